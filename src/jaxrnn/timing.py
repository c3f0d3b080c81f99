"""Measuring times on noisy machines: all sides in turn, again and again, in one process."""

import contextlib
import json
import multiprocessing
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

from jaxrnn import logging, plotting


class Measured(NamedTuple):
    """What a benchmark measured.

    Fields:
      rows: [{column: value}], a row a time; saved as `NAME.csv`.
      summary: [{column: value}], the medians and bests with what was compared; saved as `NAME_summary.csv`.
      findings: lines of text.
    """

    rows: list[dict[str, Any]]
    summary: list[dict[str, Any]]
    findings: list[str]


def interleaved(sides, repeats):
    """Seconds of every side, measured in turn so that a slow minute of the machine hits all.

    Args:
      sides: {name: function without arguments that returns the seconds it took}, as `clocked` and `Elsewhere` make.
      repeats: rounds.

    Returns:
      {name: [seconds of every round]}.
    """
    seconds = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            seconds[name].append(side())
    return seconds


def clocked(function, at_least=0.0):
    """A side that calls a function, already compiled, for at least so many seconds, and returns those of one call."""

    def side():
        calls, began = 0, time.perf_counter()
        while calls == 0 or time.perf_counter() - began < at_least:
            function()
            calls += 1
        return (time.perf_counter() - began) / calls

    return side


class Elsewhere:
    """A side in a process of its own, so that tools share neither threads nor memory; `close` ends it.

    Fields:
      first: seconds from the process's first line to the end of the first call, imports and compiling included.

    Args:
      make: a function of a module, called there with the arguments; returns what is timed, a function without
        arguments. It is called once before the first time is taken.
      arguments: for `make`.
      environment: {name: value} of the process.
      at_least: as in `clocked`.

    Raises:
      Missing: if the process lacks a package, or the tool has no such thing (an ImportError or a KeyError there).
    """

    def __init__(self, make, *arguments, environment=None, at_least=0.0):
        own, other = multiprocessing.get_context("spawn").Pipe()
        task = (make, arguments, environment or {}, at_least, other)
        self._process = multiprocessing.get_context("spawn").Process(target=_answer, args=task, daemon=True)
        self._process.start()
        other.close()
        self._answers = own
        self.first = own.recv()
        if isinstance(self.first, str):
            self.close()
            raise Missing(self.first)

    def __call__(self):
        self._answers.send("go")
        return self._answers.recv()

    def close(self):
        self._answers.close()
        self._process.join(10)
        self._process.kill()


class Missing(Exception):
    """Something that is compared with is not there."""


def first_time(make, *arguments, environment=None):
    """A side whose every time is the first call in a new process; arguments as `Elsewhere`."""

    def side():
        process = Elsewhere(make, *arguments, environment=environment)
        process.close()
        return process.first

    return side


def _answer(make, arguments, environment, at_least, answers):
    began = time.perf_counter()
    os.environ.update(environment)
    try:
        function = make(*arguments)
    except (ImportError, KeyError) as error:
        answers.send(f"{type(error).__name__}: {error}")
        return
    function()
    answers.send(time.perf_counter() - began)
    side = clocked(function, at_least)
    with contextlib.suppress(EOFError):
        while answers.recv():
            answers.send(side())


def in_turn(makers, repeats):
    """`interleaved` over sides that are made here and ended afterwards; what is missing is left out.

    Args:
      makers: {name: function without arguments that returns a side}.
      repeats: rounds.

    Returns:
      ({name: [seconds of every round]}, lines that say what was left out and why).
    """
    sides, left_out = {}, []
    for name, make in makers.items():
        try:
            sides[name] = make()
        except Missing as reason:
            left_out.append(f"without {name} ({reason})")
    try:
        return interleaved(sides, repeats), left_out
    finally:
        for side in sides.values():
            if isinstance(side, Elsewhere):
                side.close()


def summarised(seconds, **columns):
    """A row for each side: median, best, and how many times longer than the first side it took, by the medians."""
    first = statistics.median(next(iter(seconds.values())))
    return [
        {**columns, "side": name, "median": statistics.median(times), "best": min(times)}
        | {"times_the_first": statistics.median(times) / first}
        for name, times in seconds.items()
    ]


def rows_of(seconds, **columns):
    """A row for each time that `interleaved` measured."""
    return [
        {**columns, "side": name, "round": number, "seconds": value}
        for name, times in seconds.items()
        for number, value in enumerate(times)
    ]


def machine():
    """What a figure of speed depends on: {"versions", "python", "cores", "device"}."""
    from importlib.metadata import PackageNotFoundError, version

    found = logging.versions()
    for name in ("jaxlib", "numpy", "optax", "torch", "keras", "tensorflow", "dm-haiku", "equinox"):
        try:
            found["versions"][name] = version(name)
        except PackageNotFoundError:
            continue
    return {**found, "python": platform.python_version(), "cores": len(os.sched_getaffinity(0))}


def write(measured, name, figures, folder):
    """Writes `NAME.csv`, `NAME_summary.csv`, `machine.json` and the figures into a folder."""
    folder = Path(folder)
    for rows, file in ((measured.rows, f"{name}.csv"), (measured.summary, f"{name}_summary.csv")):
        logging.write_table(folder / file, rows)
    (folder / "machine.json").write_text(json.dumps(machine(), indent=2) + "\n")
    for title, figure in figures.items():
        plotting.publish(figure, folder, title)
