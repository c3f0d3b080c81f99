"""Training, evaluation and generation lower for GPUs and TPUs, without one; unroll=cudnn needs CUDA to be traced."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from jaxrnn.experiments.build import experiment
from jaxrnn.training.evaluation import continued, drawn_paths, outputs, scores
from jaxrnn.training.priming import primed
from jaxrnn.training.programs import group_program, single_program

PLATFORMS = ("cpu", "cuda", "tpu")
CELLS = ["elman", "jordan", "lstm", "gru", "perceptron"]
UNROLLS = ["scan", "deferred", "chunked", "truncated", "newton", "loop"]
SMALL = ["model.cell.size=4", "trainer.batch_size=2", "data.points=40", "data.window=6"]


def lower(function, *args):
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(np.shape(a), a.dtype), args)
    assert export.export(jax.jit(function), platforms=PLATFORMS)(*shapes).platforms == PLATFORMS


def small(*overrides):
    return experiment("data=sine", "data.stateful=false", *SMALL, *overrides).task


def train_and_evaluate(task):
    program, batch = single_program(task), task.dataset.splits["test"]
    state = jax.eval_shape(program.init, jax.random.key(0))
    lower(program.init, jax.random.key(0))
    lower(lambda state, arrays: program.advance(state, arrays, 3), state, task.dataset.arrays)
    lower(lambda params, batch: scores(task, outputs(task, params, batch), batch), state.params, batch)
    return state.params


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_lowers_for_all_platforms(cell):
    task = small(f"model={cell}")
    params, start = train_and_evaluate(task), primed(task)
    lower(partial(continued, task, ahead=None, length=8), params, start.xs)
    lower(lambda params, xs, key: drawn_paths(task, params, xs, None, 8, 3, key), params, start.xs, jax.random.key(0))


@pytest.mark.slow
@pytest.mark.parametrize("unroll", UNROLLS)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_every_unroll_lowers_for_all_platforms(cell, unroll, precision):
    words = [f"model={cell}", f"unroll={unroll}", f"trainer.precision={precision}"]
    train_and_evaluate(small(*words, *["unroll.k1=3"] * (unroll == "truncated")))


def test_a_group_of_runs_lowers_for_all_platforms():
    task = small()
    keys, values = jax.random.split(jax.random.key(0), 2), (jnp.array([1e-3, 1e-2]),)
    program = group_program(lambda values: small(), 2)
    states = jax.eval_shape(program.init, keys, values)
    lower(
        lambda states, values, arrays: program.advance(states, values, arrays, 3), states, values, task.dataset.arrays
    )
