"""Timing on noisy machines: all sides in turn, in several rounds."""

import importlib
import json
import statistics
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig

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
    seconds, _, left_out = _in_turn(makers, repeats)
    return seconds, left_out


def _in_turn(makers, repeats):
    sides, columns, left_out = {}, {}, []
    try:
        for name, make in makers.items():
            try:
                side = make()
            except Missing as reason:
                left_out.append(f"without {name} ({reason})")
            else:
                sides[name], columns[name] = side if isinstance(side, tuple) else (side, {})
        return interleaved(sides, repeats), columns, left_out
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


def compare(works, repeats, words):
    """Measures several works, each by several sides in turn; returns the `Measured`.

    Args:
      works: [(columns of the work, {name: maker of a side})]. Makers are as in `in_turn`; one may return (side, further
        columns of its summary).
      repeats: number of rounds.
      words: finding of a summary's row, as a format string.
    """
    rows, summary, left_out = [], [], []
    for columns, makers in works:
        seconds, columns_by_side, missing = _in_turn(makers, repeats)
        rows += rows_of(seconds, **columns)
        summary += [row | columns_by_side[row["side"]] for row in summarised(seconds, **columns)]
        left_out += missing
    return Measured(rows, summary, [*(words.format(**row) for row in summary), *dict.fromkeys(left_out)])


def grouped(rows, column):
    """Returns {value: rows} by the values of one column, in the order of the rows."""
    rows_by_value = {}
    for row in rows:
        rows_by_value.setdefault(row[column], []).append(row)
    return rows_by_value


def bars(axes, rows, number, horizontal=False):
    """Draws the median of every side as a bar with its value, by the format string `number`."""
    draw = axes.barh if horizontal else axes.bar
    medians = [row["median"] for row in rows]
    drawn = draw([row["side"] for row in rows], medians, color=style.COLOURS[0])
    axes.bar_label(drawn, [number.format(median) for median in medians])


def curves(axes, rows, x, y):
    """Draws one column of a summary against another, one curve per side, on logarithmic axes."""
    for number, (side, chosen) in enumerate(grouped(rows, "side").items()):
        axes.loglog([row[x] for row in chosen], [row[y] for row in chosen], label=side, **style.series(number))


def write(measured, name, figures, folder):
    """Writes `NAME.csv`, `NAME_summary.csv`, `machine.json` and the figures into a folder."""
    folder = Path(folder)
    for rows, file in ((measured.rows, f"{name}.csv"), (measured.summary, f"{name}_summary.csv")):
        Table(rows).write(folder / file)
    atomic.write(folder / "machine.json", json.dumps(machine(), indent=2) + "\n")
    for title, figure in figures.items():
        style.publish(figure, folder, title)


def run(cfg: DictConfig, name: str, folder: str | Path) -> list[str]:
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
