"""The training loop: advance, validate, keep the best params and call the hooks, until every run has ended.

Single runs, groups of a sweep, studies and benchmarks all train through `train`. They differ in their `Engine`, in
their hooks and in what they do with runs that have ended.
"""

import contextlib
import signal
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from jaxrnn.training.engine import Engine
from jaxrnn.training.history import History, report_rows
from jaxrnn.training.update import Report, Task, TrainState
from jaxrnn.types import Params


class Clock:
    """Measures the seconds of a training and of its updates.

    Args:
      earlier: seconds that a resumed run trained in earlier processes.
      began: value of `time.perf_counter()` when this process began to train; None for now.
    """

    def __init__(self, earlier=0.0, began=None):
        self._earlier, self._began = earlier, time.perf_counter() if began is None else began
        self._updating, self._updates = 0.0, 0

    @contextlib.contextmanager
    def updating(self, updates):
        began = time.perf_counter()
        yield
        self._updating, self._updates = self._updating + time.perf_counter() - began, self._updates + updates

    def seconds(self):
        return self._earlier + time.perf_counter() - self._began

    def steps_per_second(self):
        """Updates per second in this process, counting only the compiled calls; None before the first call."""
        return self._updates / self._updating if self._updates else None

    def needed(self, updates):
        """Expected seconds of a number of updates."""
        return updates * self._updating / self._updates


@dataclass
class Training:
    """N runs in training; hooks and callers of `train` may replace `engine`, `rows`, `states` and `best`.

    Fields:
      task: the `Task` of the runs; of the first run if they differ in float values.
      engine: the `Engine` of the rows.
      rows: one `History` per row. A row that only fills up a device repeats the last history.
      states: states of the runs, in the form that the engine takes.
      best: their params with the best validation loss, in the same form.
      clock: a `Clock`.
      report: the `Report` of the last updates, fields [N, n]; None before the first report.
      reported: {row: history} of the runs that made these updates without diverging.
    """

    task: Task
    engine: Engine
    rows: list[History]
    states: TrainState
    best: Params
    clock: Clock = field(default_factory=Clock)
    report: Report | None = None
    reported: dict[int, History] = field(default_factory=dict)

    def going(self):
        """{row: history} of the runs that have not ended."""
        return {row: history for row, history in self.runs().items() if history.status is None}

    def runs(self):
        """{row: history} of all runs."""
        first_rows = {}
        for row, history in enumerate(self.rows):
            first_rows.setdefault(id(history), row)
        return {row: self.rows[row] for row in first_rows.values()}

    def step(self):
        """Number of updates that the runs which have not ended have made."""
        return next(iter(self.going().values())).step

    def last_step(self):
        """Number of updates that the runs which have trained longest have made."""
        return max(history.step for history in self.runs().values())

    def params(self, row):
        """The params of one run."""
        return self.engine.of_run(self.states.params, row)


def begin(task, engine, rows):
    """Builds a `Training` before its first update; `task`, `engine` and `rows` are its fields."""
    states = engine.init()
    return Training(task, engine, rows, states, states.params)


def train(training, hooks=()):
    """Trains until every run has ended.

    Args:
      training: a `Training`.
      hooks: functions of the training, called in order after every report. A hook ends a run by ending its history.

    Yields:
      After every report, a list of the rows that have ended since the last one. A resumed training first yields the
      rows that had ended before.
    """
    ended = [row for row, history in training.runs().items() if history.status is not None]
    if ended:
        yield ended
    while going := training.going():
        _report(training, going)
        for hook in hooks:
            hook(training)
        yield [row for row, history in going.items() if history.status is not None]


def _report(training, going):
    """Makes the updates up to the next report and hands their results to the histories."""
    engine, trainer, dataset = training.engine, training.task.trainer, training.task.dataset
    step = training.step()
    n = min(trainer.report_every - step % trainer.report_every, trainer.steps - step)
    with training.clock.updating(n):
        states, training.report = engine.advance(training.states, n)
    validation = engine.evaluate("validation", states.params) or [None] * engine.runs
    is_finite, is_best = np.zeros((2, engine.runs), bool)
    rows = report_rows(training.report, dataset.memory.solved is not None)
    for row, history in going.items():
        is_best[row] = history.take(rows[row], validation[row])
        is_finite[row] = history.status != "diverged"
    training.reported = {row: history for row, history in going.items() if is_finite[row]}
    training.states = engine.select(is_finite, states, training.states)
    training.best = engine.select(is_best, states.params, training.best)


@contextlib.contextmanager
def interrupts():
    """Yields a list to which Ctrl-C and SIGTERM add their names; the second signal of a kind ends the process.

    Python handles signals only in the main thread: in other threads, the list stays empty.
    """
    received = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def note(number, frame):
        received.append(signal.Signals(number).name)
        signal.signal(number, previous[number])

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def stop_when(received):
    """Returns the hook that stops all runs after a signal (see `interrupts`)."""

    def hook(training):
        if received:
            for history in training.going().values():
                history.end("stopped", received[0])

    return hook
