"""Compiled functions that train N runs together: a single run with its rows sharded, or a group with its runs sharded.

A single run keeps its optimizer state in vectors, which halves the time of a small network. A group keeps it in trees,
because vmapped vectors cost more. `to_host` gives the layout that both use on disk.
"""

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from jaxrnn.jax_internals import compile_for
from jaxrnn.precision import current, within
from jaxrnn.runtime import local, on_all
from jaxrnn.training import compiled, evaluation, optimizer_state, sharding
from jaxrnn.training.results import Results, of_group, split_runs
from jaxrnn.training.update import Report, TrainState
from jaxrnn.types import Params

Tree = Any  # the states or the params of N runs


class Engine(NamedTuple):
    """Compiled functions of N training runs; N is 1 for a single run, whose arrays have no leading axis.

    Fields:
      runs: N.
      init: () -> states before the first update.
      advance: (states, n) -> (states, `Report` of arrays [N, n]). Makes n updates of every run, at most `report_every`;
        one compilation serves every n. The old states stay valid, in case a run diverges in the n updates.
      evaluate: (split, params) -> [{metric: float}], one per run, by one forward pass; None without such a split.
      select: (mask [N], new, old) -> states or params: the new ones for runs where the mask is true, else the old ones.
      of_run: (states or params, number) -> the states or params of one run.
      results: params -> [`Results`], one per run of a group; None for a single run, whose results are computed when
        they are asked for.
      to_host: states -> the same states as numpy arrays, with key data instead of keys, in the layout of run folders.
      shapes: shapes of the states in that layout.
      to_device: (states in that layout, params) -> the same on the devices, in the form that the functions above take.
      compile_seconds: seconds that compiling took.
      bytes: memory that `advance` needs on all devices, in bytes.
    """

    runs: int
    init: Callable[[], TrainState]
    advance: Callable[[TrainState, int], tuple[TrainState, Report]]
    evaluate: Callable[[str, Params], list[dict[str, float]] | None]
    select: Callable[[Bool[np.ndarray, " N"], Tree, Tree], Tree]
    of_run: Callable[[Tree, int], Tree]
    results: Callable[[Params], list[Results] | None]
    to_host: Callable[[TrainState], TrainState]
    shapes: TrainState
    to_device: Callable[[TrainState, Params], tuple[TrainState, Params]]
    compile_seconds: float
    bytes: int


def single(task, seed, evaluator=None, everywhere=False):
    """Builds the engine of one run.

    Args:
      task: a `Task`.
      seed: seed of the params and of every later draw.
      evaluator: the task's `jaxrnn.training.evaluation.Evaluator`, to reuse its compiled functions; None to build one.
      everywhere: whether to shard the rows of a batch over the devices of all processes. Every process must then make
        the same calls, and holds the whole state.
    """
    precision = task.trainer.precision
    return _within(precision, within(precision, _single)(task, seed, evaluator, everywhere))


def _single(task, seed, evaluator, everywhere):
    evaluator = evaluation.evaluator(task) if evaluator is None else evaluator
    program = compiled.single_program(task, everywhere)
    splits = task.dataset.splits
    arrays = on_all(task.dataset.train.arrays, program.devices)
    states = jax.eval_shape(program.init, jax.random.key(0))
    advance, seconds, size = _compiled(program.advance, states, arrays, np.int32(0))

    def advance_and_report(states, n):
        states, report = jax.block_until_ready(advance(states, arrays, np.int32(n)))
        return states, Report(*(np.asarray(column)[None, :n] for column in report))

    def evaluate(split, params):
        return [evaluator.measure(local(params), splits[split])] if split in splits else None

    return Engine(
        runs=1,
        init=lambda: program.init(jax.random.key(seed)),
        advance=advance_and_report,
        evaluate=evaluate,
        select=lambda mask, new, old: new if mask[0] else old,
        of_run=lambda tree, number: local(tree),
        results=lambda params: None,
        to_host=lambda states: jax.device_get(compiled.with_key_data(local(states))),
        shapes=states,
        to_device=lambda states, params: (program.to_device(states), params),
        compile_seconds=seconds,
        bytes=size,
    )


def group(make, seeds, values=None, measured=("validation",), generated=None, begins=True):
    """Builds the engine of runs that differ in their seeds and in float values.

    Args:
      make: values of one run -> its `Task`. The values may be traced, so no shape may depend on them.
      seeds: [N], one per run.
      values: a pytree of arrays [N, ...]; None if the runs differ only in their seeds.
      measured: names of the splits to evaluate.
      generated: the `GenerationInputs` from which the networks generate values for their `Results`; None for none.
      begins: whether `init` will be called; it is then compiled at the same time as the other functions.
    """
    task = make(jax.tree.map(lambda a: a[0], values))
    build = within(task.trainer.precision, _group)
    return _within(task.trainer.precision, build(task.dataset, make, seeds, values, measured, generated, begins))


def _group(dataset, make, seeds, values, measured, generated, begins):
    began = time.perf_counter()
    runs = len(seeds)
    program = compiled.group_program(make, runs)
    keys = sharding.keys(np.asarray(seeds, np.uint32))
    states = jax.eval_shape(program.init, keys, values)
    arrays = sharding.shared(dataset.train.arrays, runs)

    def compile_on_params(function, common):
        return compile_for(sharding.over_runs(function, make, runs), values, states.params, common)

    # XLA compiles without Python's global lock: threads compile all functions in the time of the slowest one.
    with _threads() as submit:
        initial_states = submit(program.init, keys, values) if begins else None
        advancing = submit(_compiled, program.advance, states, values, arrays, np.int32(0))
        measures = {name: submit(compile_on_params, _measure, dataset.splits[name]) for name in measured}
        common = None if generated is None else (generated.xs, generated.ahead)
        generation = generated and submit(compile_on_params, partial(_generate, generated.length), common)
    advance, _, size = advancing.result()
    seconds = time.perf_counter() - began

    def evaluate(split, params):
        measure = measures.get(split)
        return measure and split_runs(measure.result()(values, params, dataset.splits[split]))

    def generate(params):
        return generation and np.asarray(generation.result()(values, params, common))

    def to_device(saved, params):
        opt_state = optimizer_state.unflattened(saved, states.opt_state)
        return sharding.placed((compiled.with_key(saved)._replace(opt_state=opt_state), params), runs)

    return Engine(
        runs=runs,
        init=lambda: program.init(keys, values) if initial_states is None else initial_states.result(),
        advance=lambda states, n: _wait(advance(states, values, arrays, np.int32(n)), n),
        evaluate=evaluate,
        select=_select,
        of_run=_of_run,
        results=of_group(runs, measured, evaluate, None if generated is None else generate),
        to_host=lambda states: jax.device_get(compiled.with_key_data(_stored_layout(states))),
        shapes=jax.eval_shape(_stored_layout, states),
        to_device=to_device,
        compile_seconds=seconds,
        bytes=size,
    )


def _stored_layout(states):
    """Returns the states of a group with the optimizer state in the layout of run folders."""
    return states._replace(opt_state=optimizer_state.flattened(states))


def _within(precision, engine):
    """Returns the engine with functions that compute in a precision, independent of JAX's global setting."""
    functions = {name: within(precision, value) for name, value in engine._asdict().items() if callable(value)}
    return engine._replace(**functions)


@contextlib.contextmanager
def _threads():
    """Yields submit(function, *arguments) -> future, which calls the function in a thread.

    The current precision and `jax.disable_jit()`, which JAX keeps per thread, hold there too.
    """
    disabled = jax.config.values["jax_disable_jit"]

    def call(function, *arguments):
        with jax.disable_jit(disabled):
            return function(*arguments)

    with ThreadPoolExecutor() as threads:
        yield lambda function, *arguments: threads.submit(within(current(), call), function, *arguments)


def _compiled(advance, *arguments):
    """Returns (the compiled function, seconds that compiling took, bytes that a call needs on all devices).

    Under `jax.disable_jit()`, which refuses compiled functions, returns the function itself and zeros.
    """
    if jax.config.values["jax_disable_jit"]:
        return advance, 0.0, 0
    began = time.perf_counter()
    executable = compile_for(advance, *arguments)
    memory = executable.memory_analysis()
    size = (memory.temp_size_in_bytes + 2 * memory.output_size_in_bytes) * jax.local_device_count()
    return executable, time.perf_counter() - began, size


def _wait(advanced, n):
    """Waits for n updates of a group; returns (states, `Report` of arrays [N, n])."""
    states, report = jax.block_until_ready(advanced)
    return states, Report(*(np.asarray(column)[:, :n] for column in report))


def _measure(task, params, batch):
    return evaluation.scores(task, evaluation.outputs(task, params, batch), batch)


def _generate(length, task, params, common):
    xs, ahead = common
    return evaluation.continued(task, params, xs, ahead, length)


def _select(mask, new, old):
    if mask.all():
        return new
    return _selected(mask, new, old) if mask.any() else old


@jax.jit
def _selected(mask, new, old):
    return jax.tree.map(lambda a, b: jnp.where(mask.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)


def _of_run(tree, number):
    return jax.tree.map(lambda a: a[number], tree)
