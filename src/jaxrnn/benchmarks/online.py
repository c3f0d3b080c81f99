"""Time and memory of gradients computed forwards in time, against backpropagation and the number of units."""

from typing import Literal

import jax

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._gradients import compiled
from jaxrnn.cells import elman
from jaxrnn.plotting import style as plotting
from jaxrnn.types import NonNegative, Size
from jaxrnn.unroll import diagonal_rtrl, eprop, kf_rtrl, rtrl, scan, snap, uoro
from jaxrnn.unroll.contract import with_key

RULES = {
    "scan": scan.unroll(),
    "rtrl": rtrl.unroll(),
    "snap_1": snap.unroll(1),
    "diagonal_rtrl": diagonal_rtrl.unroll(),
    "eprop": eprop.unroll(),
    "uoro": uoro.unroll(),
    "kf_rtrl": kf_rtrl.unroll(),
}


def benchmark(
    rules: list[Literal[tuple(RULES)]] = tuple(RULES),
    sizes: list[Size] = (8, 16, 32, 64),
    length: Size = 20,
    batch: Size = 4,
    repeats: Size = 3,
    at_least: NonNegative = 0.1,
):
    """Times the gradient of an Elman layer by each rule, on one device.

    Args:
      rules: rules that are compared; the first is the reference.
      sizes: values of H.
      length: T.
      batch: B.
      repeats: number of rounds.
      at_least: minimum number of seconds of one measurement.
    """
    rows, summary = [], []
    for size in sizes:
        sides, columns = {}, {}
        for rule in rules:
            unroll = with_key(RULES[rule], lambda: jax.random.split(jax.random.key(0), batch))
            sides[rule], columns[rule] = compiled(elman.cell(size), unroll, length, batch, at_least=at_least)
        seconds = timing.interleaved(sides, repeats)
        rows += timing.rows_of(seconds, H=size)
        summary += [row | columns[row["side"]] for row in timing.summarised(seconds, H=size)]
    words = "H={H}, {side}: {median:.3g} s ({times_the_first:.2f}), {megabytes:.3g} MB"
    return timing.Measured(rows, summary, [words.format(**row) for row in summary])


def plot(measured):
    """Draws seconds and megabytes against H."""
    figure, panels = plotting.panels(2, "H (units)", "")
    for axes, (column, label) in zip(panels, (("median", "seconds"), ("megabytes", "memory (MB)")), strict=True):
        for number, rule in enumerate(dict.fromkeys(row["side"] for row in measured.summary)):
            chosen = [row for row in measured.summary if row["side"] == rule]
            line = plotting.series(number)
            axes.loglog([row["H"] for row in chosen], [row[column] for row in chosen], label=rule, **line)
        axes.set_ylabel(label)
        axes.set_xticks([row["H"] for row in chosen], [row["H"] for row in chosen])
        axes.minorticks_off()
    plotting.legend_below(figure)
    return {"online": figure}
