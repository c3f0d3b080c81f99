"""What trains N runs side by side, compiled: one run, its rows shared out over the devices, or a group, its runs.

A single run keeps its optimizer state in vectors, half the time of a small network; a group keeps it in trees, since
vmapped vectors cost more. `portable` is the one layout on disk, and of a run folder.
"""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.jax_internals import compiler_options
from jaxrnn.precision import current, within
from jaxrnn.runtime import local, on_all
from jaxrnn.training import evaluation, optimizer_state, programs, vectorized
from jaxrnn.training.update import Report


class Engine(NamedTuple):
    """N training runs as functions; N is 1 for a single run, whose arrays have no leading axis.

    Fields:
      runs: N.
      init: () -> states, as before the first update.
      advance: (states, n) -> (states, `Report` of arrays [N, n]); n updates of every run, at most `report_every`; one
        compilation serves every n. The states given stay valid, to go back to where the n updates diverge.
      evaluate: (split, params) -> [{metric: float}] of the N runs, in one forward pass; None without such a split.
      select: (mask [N], new, old) -> states or params, run by run the new ones or the old.
      of_run: (states or params, number) -> those of one run.
      portable: states -> the same with the optimizer state as run folders hold it.
      shapes: of what `portable` gives.
      place: (states, params) as numpy arrays, with key data for keys -> the same as the functions above take them.
      generate: (params, `Primed`) -> [N, length, V], what the networks of a group go on with.
      compile_seconds: that compiling took.
      bytes: of memory that an advance takes on all devices.
    """

    runs: int
    init: Any
    advance: Any
    evaluate: Any
    select: Any
    of_run: Any
    portable: Any
    shapes: Any
    place: Any
    generate: Any
    compile_seconds: float
    bytes: int


def single(task, seed, evaluator=None, everywhere=False):
    """The engine of one run.

    Args:
      task: a `Task`.
      seed: of all that the run draws.
      evaluator: the task's `jaxrnn.training.evaluation.Evaluator`, to share its programs; None to make one.
      everywhere: share the rows of a batch out over the devices of all processes, each of which makes the same calls;
        every process then holds the whole state.
    """
    precision = task.trainer.precision
    return _within(precision, within(precision, _single)(task, seed, evaluator, everywhere))


def _single(task, seed, evaluator, everywhere):
    evaluator = evaluation.evaluator(task) if evaluator is None else evaluator
    program = programs.single_program(task, everywhere)
    splits = task.dataset.splits
    arrays = on_all(task.dataset.arrays, program.devices)
    states = jax.eval_shape(program.init, jax.random.key(0))
    advance, seconds, size = _compiled(program.advance, states, arrays, np.int32(0))

    def report(states, n):
        states, found = jax.block_until_ready(advance(states, arrays, np.int32(n)))
        return states, Report(*(np.asarray(column)[None, :n] for column in found))

    def evaluate(split, params):
        return [evaluator.measure(local(params), splits[split])] if split in splits else None

    return Engine(
        runs=1,
        init=lambda: program.init(jax.random.key(seed)),
        advance=report,
        evaluate=evaluate,
        select=lambda mask, new, old: new if mask[0] else old,
        of_run=lambda tree, number: local(tree),
        portable=lambda states: states,
        shapes=states,
        place=lambda states, params: (program.place(states), params),
        generate=None,
        compile_seconds=seconds,
        bytes=size,
    )


def group(make, seeds, values=None, measured=("validation",), generated=None, begins=True):
    """The engine of runs that differ in their seeds and in float values.

    Args:
      make: values of one run -> its `Task`; the values may be traced, and what the shapes depend on must not vary.
      seeds: [N], of all that each run draws.
      values: a pytree of arrays [N, ...]; None where the runs differ in their seeds alone.
      measured: names of the splits that are evaluated.
      generated: the `Primed` that `generate` will be called with, or None where it will not be.
      begins: whether `init` will be called, which is then compiled beside the others.
    """
    task = make(jax.tree.map(lambda a: a[0], values))
    build = within(task.trainer.precision, _group)
    return _within(task.trainer.precision, build(task.dataset, make, seeds, values, measured, generated, begins))


def _group(dataset, make, seeds, values, measured, generated, begins):
    runs, began = len(seeds), time.perf_counter()
    program, keys = programs.group_program(make, runs), vectorized.keys(np.asarray(seeds, np.uint32))
    states, arrays = jax.eval_shape(program.init, keys, values), vectorized.shared(dataset.arrays, runs)

    def lower(function, common):
        return _compile(vectorized.over_runs(function, make, runs).lower(values, states.params, common))

    with _threads() as beside:  # XLA compiles the programs side by side
        first = beside(program.init, keys, values) if begins else None
        advancing = beside(_compiled, program.advance, states, values, arrays, np.int32(0))
        measures = {name: beside(lower, _measure, dataset.splits[name]) for name in measured}
        if generated is not None:
            go_on = beside(lower, partial(_generate, generated.length), (generated.xs, generated.ahead))
    (advance, _, size), seconds = advancing.result(), time.perf_counter() - began

    def evaluate(split, params):
        return _rows(measures[split].result()(values, params, dataset.splits[split])) if split in measures else None

    def portable(states):
        return states._replace(opt_state=optimizer_state.flattened(states))

    def place(saved, params):
        opt_state = optimizer_state.unflattened(saved, states.opt_state)
        return vectorized.placed((programs.with_key(saved)._replace(opt_state=opt_state), params), runs)

    return Engine(
        runs=runs,
        init=lambda: first.result(),
        advance=lambda states, n: _reported(advance(states, values, arrays, np.int32(n)), n),
        evaluate=evaluate,
        select=_select,
        of_run=_of_run,
        portable=portable,
        shapes=jax.eval_shape(portable, states),
        place=place,
        generate=lambda params, primed: np.asarray(go_on.result()(values, params, (primed.xs, primed.ahead))),
        compile_seconds=seconds,
        bytes=size,
    )


def _within(precision, engine):
    """The engine, whose functions compute in a precision whatever JAX is set to."""
    functions = {name: within(precision, value) for name, value in engine._asdict().items() if callable(value)}
    return engine._replace(**functions)


@contextlib.contextmanager
def _threads():
    """(function, *arguments) -> the future of a call in a thread, in the precision that JAX computes in here."""
    with ThreadPoolExecutor() as threads:
        yield lambda function, *arguments: threads.submit(within(current(), function), *arguments)


def _compiled(advance, *arguments):
    """(the compiled function, seconds that compiling took, bytes that a call takes on all devices).

    Under `jax.disable_jit()`, which refuses compiled functions, the function itself, and 0 bytes.
    """
    if jax.config.jax_disable_jit:
        return advance, 0.0, 0
    began = time.perf_counter()
    compiled = _compile(advance.lower(*arguments))
    memory = compiled.memory_analysis()
    size = (memory.temp_size_in_bytes + 2 * memory.output_size_in_bytes) * jax.local_device_count()
    return compiled, time.perf_counter() - began, size


def _compile(lowered):
    return lowered.compile(compiler_options())


def _reported(advanced, n):
    """(states, `Report` of arrays [N, n]) of an advance, once it is done."""
    states, report = jax.block_until_ready(advanced)
    return states, Report(*(np.asarray(column)[:, :n] for column in report))


def _measure(task, params, batch):
    return evaluation.scores(task, evaluation.outputs(task, params, batch), batch)


def _generate(length, task, params, common):
    return evaluation.continued(task, params, *common, length)


def _rows(columns):
    """{name: [N]} as N dicts."""
    columns = {name: np.asarray(column).tolist() for name, column in columns.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _select(mask, new, old):
    if mask.all():
        return new
    return _selected(mask, new, old) if mask.any() else old


@jax.jit
def _selected(mask, new, old):
    return jax.tree.map(lambda a, b: jnp.where(mask.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)


def _of_run(tree, number):
    return jax.tree.map(lambda a: a[number], tree)
