"""The life of the runs of one program: restore or initialise, advance, report, save, finish.

A single run is a group of one. It differs from a group in its `Engine`, and in the `Store` that saves it.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import described, dotted
from jaxrnn.errors import ConfigError
from jaxrnn.training.callbacks import Progress
from jaxrnn.training.engine import Engine
from jaxrnn.training.history import History
from jaxrnn.training.loop import Clock, Training, stop_when, train
from jaxrnn.training.results import Results
from jaxrnn.training.store import Checkpointing, Member, Restored, Store
from jaxrnn.training.update import Task
from jaxrnn.types import Params


class Ended(NamedTuple):
    """A run that has ended.

    Fields:
      member: its `Member`.
      history: its `History`.
      best: its params with the best validation loss.
      results: the `jaxrnn.training.results.Results` of these params if its engine has computed them, else None.
      timing: {"seconds", "compile_seconds", "steps_per_second"}, as in `summary.json`.
      together: number of runs of the program.
    """

    member: Member
    history: History
    best: Params
    results: Results | None
    timing: dict[str, Any]
    together: int


class Program(NamedTuple):
    """Values that the runs of one program share.

    Fields:
      task: their `Task`; of the first run if they differ in float values.
      engine_of: members -> the `Engine` that continues their training, once ended runs have left the program; None for
        a single run.
      store: the `Store` that saves them.
      checkpointing: when to save.
      received: signals that the process has received (see `loop.interrupts`).
      save_at: steps at which all runs are saved in any case.
    """

    task: Task
    engine_of: Callable[[Sequence[Member]], Engine] | None
    store: Store
    checkpointing: Checkpointing = Checkpointing()
    received: Sequence[str] = ()
    save_at: Sequence[int] = ()


def train_members(program, engine, members, hooks=(), began=None):
    """Trains the runs of a program until each has ended, from their last checkpoint if there is one.

    Args:
      program: the `Program`.
      engine: the `Engine` of the rows.
      members: one `Member` per row. A row that only fills up a device repeats the member before it.
      hooks: functions of the `Training`, called after the callbacks at every report.
      began: value of `time.perf_counter()` when the work on these runs began; None for now.

    Yields:
      An `Ended` for each run that has ended, once its last checkpoint is saved.
    """
    training = _restore_or_initialise(program, engine, members, began)
    # The order matters: saving is last, so that a checkpoint records the runs that the other hooks have ended.
    in_order = [call_callbacks, *hooks, stop_when(program.received), _Saving(program)]
    for rows in train(training, in_order):
        ended = [row for row in rows if not training.rows[row].member.is_complete]
        if ended:
            program.store.keep(training, ended)
            yield from _ended(training, ended)
        if training.going():
            _pack(program, training)


def _restore_or_initialise(program, engine, members, began):
    """Builds the training of the members at their last checkpoint, or before their first update."""
    restored = program.store.restore(engine, members)
    if restored is None:
        histories = {id(member): program.store.new_history(member) for member in members}
        states = engine.init()
        restored = Restored(states, states.params, [histories[id(member)] for member in members], 0.0)
    return Training(program.task, engine, restored.rows, restored.states, restored.best, Clock(restored.seconds, began))


def call_callbacks(training):
    """Hook that calls the callbacks of every run; a callback ends the run by returning the reason."""
    for row, history in training.reported.items():
        member = history.member
        if not member.callbacks:
            continue
        params, stale = training.params(row), history.progress["stale"]
        progress = Progress(
            history.step, history.losses, stale, history, params, training.task, member.seed, member.folder
        )
        for callback in member.callbacks:
            reason = callback(progress)
            if reason is not None and not isinstance(reason, str):
                raise ConfigError(
                    f"callbacks: {dotted(callback)} returned {described(reason)}, expected None to continue or a "
                    "string that says why the run stops"
                )
            if reason is not None and history.status is None:
                history.end_early(reason)


class _Saving:
    """Hook that saves the runs when it is time to."""

    def __init__(self, program):
        self._program, self._saved_at = program, time.perf_counter()

    def __call__(self, training):
        store, checkpointing = self._program.store, self._program.checkpointing
        store.report(training)
        going, step = training.going(), training.last_step()
        if going and checkpointing.keep_every is not None and step % checkpointing.keep_every == 0:
            store.keep(training, list(going))
            self._saved_at = time.perf_counter()
        is_late = time.perf_counter() - self._saved_at >= checkpointing.seconds
        is_due = going and (is_late or store.is_missing())
        if self._program.received or step in self._program.save_at or is_due:
            store.save(training)
            self._saved_at = time.perf_counter()


def _ended(training, rows):
    """Yields the `Ended` of some rows."""
    engine, clock = training.engine, training.clock
    are_stopped = {row: training.rows[row].status == "stopped" for row in rows}
    results = None if all(are_stopped.values()) else engine.results(training.best)
    best = training.best if engine.runs == 1 else jax.device_get(training.best)
    timing = {
        "seconds": clock.seconds(),
        "compile_seconds": engine.compile_seconds,
        "steps_per_second": clock.steps_per_second(),
    }
    together = len(training.runs())
    for row in rows:
        history = training.rows[row]
        row_results = None if results is None or are_stopped[row] else results[row]
        yield Ended(history.member, history, engine.of_run(best, row), row_results, timing, together)


def _pack(program, training):
    """Moves the runs that have not ended into a smaller program, if that saves time.

    Ended runs stay rows of the compiled program and cost as much as the others until the program is replaced.
    """
    rows = padded(list(training.going()))
    if len(rows) == len(training.rows) or not _is_packing_faster(training, len(rows)):
        return
    index = jnp.array(rows)
    states, best = jax.tree.map(lambda a: a[index], (training.states, training.best))
    states, best = training.engine.to_host(states), jax.device_get(best)
    training.rows = [training.rows[row] for row in rows]
    training.engine = program.engine_of([history.member for history in training.rows])
    training.states, training.best = training.engine.to_device(states, best)


def _is_packing_faster(training, count):
    """Returns whether a program with `count` rows saves more seconds than its compilation takes.

    The estimate assumes that the time of an update is proportional to the number of rows, and that the smaller program
    takes as long to compile as the current one. Before the first report, no update has been timed.
    """
    if training.report is None:
        return False
    updates_left = training.task.trainer.steps - training.step()
    saved_seconds = training.clock.needed(updates_left) * (1 - count / len(training.rows))
    return saved_seconds >= training.engine.compile_seconds


def padded(rows):
    """Repeats the last of some rows until the devices divide their number evenly."""
    devices = jax.local_device_count()
    missing = -len(rows) % devices if len(rows) > devices else 0
    return [*rows, *[rows[-1]] * missing]
