"""Timing on noisy machines: all sides in turn, in several rounds."""

import importlib
import json
import statistics
from pathlib import Path
from typing import Any, NamedTuple

from jaxrnn import atomic
from jaxrnn.benchmarks._worker import Missing, Worker
from jaxrnn.benchmarks.machine import machine
from jaxrnn.experiments import schema
from jaxrnn.plotting import style
from jaxrnn.table import Table


class Measured(NamedTuple):
    """Result of a benchmark.

    Fields:
      rows: [{column: value}], one row per measured time; saved as `NAME.csv`.
      summary: [{column: value}], medians and minima with the compared settings; saved as `NAME_summary.csv`.
      findings: lines of text.
    """

    rows: list[dict[str, Any]]
    summary: list[dict[str, Any]]
    findings: list[str]


def interleaved(sides, repeats):
    """Measures the seconds of every side in turn, so that a slow minute of the machine affects all sides.

    Args:
      sides: {name: function without arguments that returns the seconds it took}, as `clocked` and `Worker` make.
      repeats: number of rounds.

    Returns:
      {name: [seconds of every round]}.
    """
    seconds = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            seconds[name].append(side())
    return seconds


def in_turn(makers, repeats):
    """Runs `interleaved` over sides that are made first and closed afterwards; missing sides are left out.

    Args:
      makers: {name: function without arguments that returns a side}.
      repeats: number of rounds.

    Returns:
      ({name: [seconds of every round]}, lines about what was left out and why).
    """
    sides, left_out = {}, []
    try:
        for name, make in makers.items():
            try:
                sides[name] = make()
            except Missing as reason:
                left_out.append(f"without {name} ({reason})")
        return interleaved(sides, repeats), left_out
    finally:
        for side in sides.values():
            if isinstance(side, Worker):
                side.close()


def summarised(seconds, **columns):
    """Returns one row per side: median, minimum, and the median divided by the first side's median."""
    first = statistics.median(next(iter(seconds.values())))
    return [
        {**columns, "side": name, "median": statistics.median(times), "best": min(times)}
        | {"times_the_first": statistics.median(times) / first}
        for name, times in seconds.items()
    ]


def rows_of(seconds, **columns):
    """Returns one row per time that `interleaved` measured."""
    return [
        {**columns, "side": name, "round": number, "seconds": value}
        for name, times in seconds.items()
        for number, value in enumerate(times)
    ]


def write(measured, name, figures, folder):
    """Writes `NAME.csv`, `NAME_summary.csv`, `machine.json` and the figures into a folder."""
    folder = Path(folder)
    for rows, file in ((measured.rows, f"{name}.csv"), (measured.summary, f"{name}_summary.csv")):
        Table(rows).write(folder / file)
    atomic.write(folder / "machine.json", json.dumps(machine(), indent=2) + "\n")
    for title, figure in figures.items():
        style.publish(figure, folder, title)


def run(cfg, name, folder):
    """Runs the command `benchmark`: measures, writes the files, and returns lines of text for the terminal.

    Args:
      cfg: the configuration; its node `benchmark` defines the measurement.
      name: name of the files.
      folder: folder to write to.

    Raises:
      ConfigError: if the configuration cannot be used.
    """
    schema.prepare(cfg)
    measured = schema.instantiate(cfg.benchmark)
    module = importlib.import_module(cfg.benchmark._target_.rpartition(".")[0])
    with style.page():
        figures = module.plot(measured)
    write(measured, name, figures, folder)
    return measured.findings
