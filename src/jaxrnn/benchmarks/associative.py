"""Associative scan against sequential scan: the gradient of cells with a linear state, against the length."""

from collections.abc import Callable
from itertools import product
from typing import Literal

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._gradients import gradient_sides
from jaxrnn.cells import lru, min_gru, min_lstm, rg_lru
from jaxrnn.plotting import style as plotting
from jaxrnn.types import Cell, ListOf, NonNegative, Size
from jaxrnn.unroll import associative, scan

CellName = Literal["lru", "min_gru", "min_lstm", "rg_lru"]
CELLS: dict[CellName, Callable[..., Cell]] = {
    "lru": lru.cell,
    "min_gru": min_gru.cell,
    "min_lstm": min_lstm.cell,
    "rg_lru": rg_lru.cell,
}
UNROLLS = {"scan": scan.unroll(), "associative": associative.unroll()}


def benchmark(
    cells: ListOf[CellName] = ("lru", "min_gru"),
    lengths: ListOf[Size] = (100, 1000, 10_000, 100_000),
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
    works = [
        ({"cell": kind, "T": length}, gradient_sides(CELLS[kind](size), UNROLLS, length, batch, at_least))
        for kind, length in product(cells, lengths)
    ]
    words = "{cell}, T={T}, {side}: {median:.3g} s ({times_the_first:.2f}), {megabytes:.3g} MB"
    return timing.compare(works, repeats, words)


def plot(measured):
    """Draws seconds against T, one panel per cell."""
    rows_by_cell = timing.grouped(measured.summary, "cell")
    figure, panels = plotting.named_panels(rows_by_cell, "T (steps)", "seconds", sharey=True)
    for axes, rows in panels:
        timing.curves(axes, rows, "T", "median")
    return {"associative": plotting.legend_below(figure)}
