"""The one training loop: advance, validate, keep the best, let the hooks look, until every run has ended.

Single runs, groups of a sweep, studies and benchmarks all train through `train`; they differ in their `Engine`, in
the hooks, and in what they do with the runs that have ended.
"""

import contextlib
import signal
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxrnn.training.engine import Engine
from jaxrnn.training.history import History, report_rows
from jaxrnn.training.update import Report, Task


class Clock:
    """Seconds since the training began, and how long an update takes.

    Args:
      earlier: seconds of a run that goes on.
      began: when this process began with it, as `time.perf_counter()` tells; None for now.
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
        """Updates a second of the compiled calls alone, in this process; None before the first."""
        return self._updates / self._updating if self._updates else None

    def needed(self, updates):
        """Seconds that so many updates will take."""
        return updates * self._updating / self._updates


@dataclass
class Training:
    """N runs under way; hooks and those who take the ended runs may replace `engine`, `rows`, `states` and `best`.

    Fields:
      task: the `Task` of the runs, or of the first where they differ in float values.
      engine: the `Engine` of the rows.
      rows: the runs' `History`s, a row each; a row that only fills a device repeats the last one.
      states, best: as the engine takes them: the runs' states, and their params with the best validation loss.
      clock: a `Clock`.
      report: the `Report` of the last updates, fields [N, n]; None before the first.
      reported: {row: history} of the runs that made these updates and did not diverge among them.
    """

    task: Task
    engine: Engine
    rows: list[History]
    states: Any
    best: Any
    clock: Clock = field(default_factory=Clock)
    report: Report | None = None
    reported: dict[int, History] = field(default_factory=dict)

    def going(self):
        """{row: history} of the runs that go on."""
        return {row: history for row, history in self.runs().items() if history.status is None}

    def runs(self):
        """{row: history} of all runs."""
        first = {}
        for row, history in enumerate(self.rows):
            first.setdefault(id(history), row)
        return {row: self.rows[row] for row in first.values()}

    def step(self):
        """Updates that the runs that go on have made."""
        return next(iter(self.going().values())).step

    def params(self, row):
        """The params of one run."""
        return self.engine.of_run(self.states.params, row)


def begun(task, engine, rows):
    """A `Training` before its first update."""
    states = engine.init()
    return Training(task, engine, rows, states, states.params)


def train(training, hooks=()):
    """Trains until every run has ended.

    Args:
      training: a `Training`.
      hooks: functions of it, called in turn after every report; they end runs by ending their histories.

    Yields:
      After every report a list of the rows that have ended since the one before; first of all, where a training goes
      on, those that had ended already.
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
    """The updates up to the next report, and what they came to."""
    engine, trainer, dataset = training.engine, training.task.trainer, training.task.dataset
    step = training.step()
    n = min(trainer.report_every - step % trainer.report_every, trainer.steps - step)
    with training.clock.updating(n):
        states, training.report = engine.advance(training.states, n)
    validation = engine.evaluate("validation", states.params) or [None] * engine.runs
    good, better = np.zeros((2, engine.runs), bool)
    found = report_rows(training.report, dataset.correct is not None)
    for row, history in going.items():
        better[row] = history.take(found[row], validation[row])
        good[row] = history.status != "diverged"
    training.reported = {row: history for row, history in going.items() if good[row]}
    training.states = engine.select(good, states, training.states)
    training.best = engine.select(better, states.params, training.best)


@contextlib.contextmanager
def interrupts():
    """Ctrl-C and SIGTERM as entries of a list, read between two reports; a second one ends the process at once."""
    received = []

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
    """The hook that stops all runs once a signal was received (see `interrupts`)."""

    def hook(training):
        if received:
            for history in training.going().values():
                history.end("stopped", received[0])

    return hook
