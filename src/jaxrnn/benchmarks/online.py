"""Time and memory of gradients computed forwards in time, against backpropagation and the number of units."""

from typing import Literal

import jax

from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._gradients import gradient_sides
from jaxrnn.cells import elman
from jaxrnn.plotting import style as plotting
from jaxrnn.types import ListOf, NonNegative, Size, Unroll
from jaxrnn.unroll import diagonal_rtrl, eprop, kf_rtrl, rtrl, scan, snap, uoro
from jaxrnn.unroll.contract import with_key

RuleName = Literal["scan", "rtrl", "snap_1", "diagonal_rtrl", "eprop", "uoro", "kf_rtrl"]
RULES: dict[RuleName, Unroll] = {
    "scan": scan.unroll(),
    "rtrl": rtrl.unroll(),
    "snap_1": snap.unroll(1),
    "diagonal_rtrl": diagonal_rtrl.unroll(),
    "eprop": eprop.unroll(),
    "uoro": uoro.unroll(),
    "kf_rtrl": kf_rtrl.unroll(),
}


def benchmark(
    rules: ListOf[RuleName] = tuple(RULES),
    sizes: ListOf[Size] = (8, 16, 32, 64),
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
    keyed = {rule: with_key(RULES[rule], lambda: jax.random.split(jax.random.key(0), batch)) for rule in rules}
    works = [({"H": size}, gradient_sides(elman.cell(size), keyed, length, batch, at_least)) for size in sizes]
    words = "H={H}, {side}: {median:.3g} s ({times_the_first:.2f}), {megabytes:.3g} MB"
    return timing.compare(works, repeats, words)


def plot(measured):
    """Draws seconds and megabytes against H."""
    sizes = list(dict.fromkeys(row["H"] for row in measured.summary))
    figure, panels = plotting.panels(2, "H (units)", "")
    for axes, (column, label) in zip(panels, (("median", "seconds"), ("megabytes", "memory (MB)")), strict=True):
        timing.curves(axes, measured.summary, "H", column)
        axes.set_ylabel(label)
        axes.set_xticks(sizes, sizes)
        axes.minorticks_off()
    return {"online": plotting.legend_below(figure)}
