"""Associative scan against sequential scan: the gradient of cells with a linear state, against the length."""

from typing import Literal

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._gradients import compiled
from jaxrnn.cells import lru, min_gru, min_lstm, rg_lru
from jaxrnn.plotting import style as plotting
from jaxrnn.types import NonNegative, Size
from jaxrnn.unroll import associative, scan

CELLS = {"lru": lru.cell, "min_gru": min_gru.cell, "min_lstm": min_lstm.cell, "rg_lru": rg_lru.cell}
UNROLLS = {"scan": scan.unroll(), "associative": associative.unroll()}


def benchmark(
    cells: list[Literal[tuple(CELLS)]] = ("lru", "min_gru"),
    lengths: list[Size] = (100, 1000, 10_000, 100_000),
    size: Size = 32,
    batch: Size = 1,
    repeats: Size = 3,
    at_least: NonNegative = 0.1,
):
    """Times the gradient of the last output by `scan` and by `associative`, on one device.

    Args:
      cells: any of lru, min_gru, min_lstm, rg_lru.
      lengths: values of T.
      size: H.
      batch: B.
      repeats: number of rounds.
      at_least: minimum number of seconds of one measurement.
    """
    rows, summary = [], []
    for kind in cells:
        for length in lengths:
            sides, columns = {}, {}
            for name, unroll in UNROLLS.items():
                sides[name], columns[name] = compiled(CELLS[kind](size), unroll, length, batch, at_least=at_least)
            seconds = timing.interleaved(sides, repeats)
            rows += timing.rows_of(seconds, cell=kind, T=length)
            summary += [row | columns[row["side"]] for row in timing.summarised(seconds, cell=kind, T=length)]
    words = "{cell}, T={T}, {side}: {median:.3g} s ({times_the_first:.2f}), {megabytes:.3g} MB"
    return timing.Measured(rows, summary, [words.format(**row) for row in summary])


def plot(measured):
    """Draws seconds against T, one panel per cell."""
    kinds = list(dict.fromkeys(row["cell"] for row in measured.summary))
    figure, panels = plotting.panels(len(kinds), "T (steps)", "seconds", sharey=True)
    for axes, kind in zip(panels, kinds, strict=True):
        for number, name in enumerate(UNROLLS):
            chosen = [row for row in measured.summary if (row["cell"], row["side"]) == (kind, name)]
            line = plotting.series(number)
            axes.loglog([row["T"] for row in chosen], [row["median"] for row in chosen], label=name, **line)
        plotting.title(axes, kind)
    plotting.legend_below(figure)
    return {"associative": figure}
