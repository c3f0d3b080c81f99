"""Training, evaluation and generation lower for GPUs and TPUs, without one; unroll=cudnn needs CUDA to be traced."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from jaxrnn.experiments.build import experiment
from jaxrnn.training.compiled import group_program, single_program
from jaxrnn.training.evaluation import continued, drawn_paths, outputs, scores
from jaxrnn.training.priming import generation_inputs

PLATFORMS = ("cpu", "cuda", "tpu")
CELLS = ["elman", "jordan", "lstm", "gru", "perceptron"]
UNROLLS = ["scan", "chunked", "truncated", "newton", "loop"]
OPTIONS = {"truncated": ["unroll.k1=3"]}
SMALL = ["model.cell.size=4", "trainer.batch_size=2", "data.points=40", "data.window=6"]


def lower(function, *args):
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(np.shape(a), a.dtype), args)
    assert export.export(jax.jit(function), platforms=PLATFORMS)(*shapes).platforms == PLATFORMS


def small(*overrides):
    return experiment("data=sine", "data.stateful=false", *SMALL, *overrides).task


def lower_training(task):
    """Lowers the updates; gives the shapes of the params."""
    program = single_program(task)
    state = jax.eval_shape(program.init, jax.random.key(0))
    lower(lambda state, arrays: program.advance(state, arrays, 3), state, task.dataset.train.arrays)
    return state.params


@pytest.mark.parametrize("cell", ["lstm", *(pytest.param(c, marks=pytest.mark.slow) for c in CELLS if c != "lstm")])
def test_every_cell_lowers_for_all_platforms(cell):
    task = small(f"model={cell}")
    params, start, batch = lower_training(task), generation_inputs(task), task.dataset.splits["test"]
    lower(single_program(task).init, jax.random.key(0))
    lower(lambda params, batch: scores(task, outputs(task, params, batch), batch), params, batch)
    lower(partial(continued, task, ahead=None, length=8), params, start.xs)
    lower(lambda params, xs, key: drawn_paths(task, params, xs, None, 8, 3, key), params, start.xs, jax.random.key(0))


@pytest.mark.slow
@pytest.mark.share(4)
@pytest.mark.parametrize("unroll", UNROLLS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_unroll_lowers_for_all_platforms(cell, unroll):
    lower_training(small(f"model={cell}", f"unroll={unroll}", *OPTIONS.get(unroll, [])))


@pytest.mark.parametrize("precision", ["bf16", "f64"])
def test_every_precision_lowers_for_all_platforms(precision):
    lower_training(small(f"trainer.precision={precision}"))


@pytest.mark.costly
def test_a_group_of_runs_lowers_for_all_platforms():
    task = small()
    keys, values = jax.random.split(jax.random.key(0), 2), (jnp.array([1e-3, 1e-2]),)
    program = group_program(lambda values: small(), 2)
    states = jax.eval_shape(program.init, keys, values)
    lower(
        lambda states, values, arrays: program.advance(states, values, arrays, 3),
        states,
        values,
        task.dataset.train.arrays,
    )
