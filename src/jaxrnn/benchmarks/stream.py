"""Time of one step on a stream, from the call in Python to its output."""

from functools import partial
from typing import Literal, get_args

from jaxrnn.benchmarks import _baseline_streams as streams
from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._worker import Worker
from jaxrnn.plotting import style as plotting
from jaxrnn.types import ListOf, NonNegative, Size

CellName = Literal["lstm", "gru", "elman"]
CELLS: tuple[CellName, ...] = get_args(CellName)
SHAPES = ((1, 1, 16), (1, 64, 128), (1, 64, 512), (16, 64, 512))


def benchmark(
    cells: ListOf[CellName] = CELLS,
    shapes: ListOf[ListOf[Size]] = SHAPES,
    baselines: ListOf[streams.Baseline] = tuple(streams.BASELINES),
    repeats: Size = 5,
    at_least: NonNegative = 0.3,
):
    """Times one step of a layer: pass in a NumPy array, keep the next state, wait for the output.

    Every side runs in its own process.

    Args:
      cells: any of lstm, gru, elman.
      shapes: [[B, D, H], ...].
      baselines: names of the other tools.
      repeats: number of rounds.
      at_least: minimum number of seconds of one measurement, filled by several steps.
    """
    rows, summary, findings = [], [], []
    makers = {"jaxrnn": streams.ours} | {name: streams.BASELINES[name] for name in baselines}
    for kind in cells:
        for shape in shapes:
            sides = {name: partial(Worker, make, kind, *shape, at_least=at_least) for name, make in makers.items()}
            seconds, left_out = timing.in_turn(sides, repeats)
            columns = dict(zip("BDH", shape, strict=True)) | {"cell": kind}
            rows += timing.rows_of(seconds, **columns)
            rows_of_work = timing.summarised(seconds, **columns)
            times = ", ".join(
                f"{r['side']} {1e6 * r['median']:.3g} us ({r['times_the_first']:.2f})" for r in rows_of_work
            )
            findings += ["{cell} B={B} D={D} H={H}: ".format(**columns) + times, *left_out]
            summary += rows_of_work
    return timing.Measured(rows, summary, list(dict.fromkeys(findings)))


def plot(measured):
    """Draws the microseconds of every side, one panel per cell, all on one scale."""
    rows = measured.summary
    shapes = list(dict.fromkeys(tuple(row[name] for name in "BDH") for row in rows))
    marks = dict(zip(timing.grouped(rows, "side"), zip("os^", plotting.COLOURS, strict=False), strict=False))
    figure, panels = plotting.named_panels(timing.grouped(rows, "cell"), "", "one step, us")
    for axes, rows_of_cell in panels:
        for side, chosen in timing.grouped(rows_of_cell, "side").items():
            marker, colour = marks[side]
            positions = [shapes.index(tuple(row[name] for name in "BDH")) for row in chosen]
            heights = [1e6 * row["median"] for row in chosen]
            axes.semilogy(positions, heights, marker, markersize=4, color=colour, label=side)
        axes.set_xticks(range(len(shapes)), ["B={}\nD={}\nH={}".format(*shape) for shape in shapes])
    limits = [limit for axes, _ in panels for limit in axes.get_ylim()]
    for axes, _ in panels:
        axes.set_ylim(min(limits), max(limits))
    panels[0][0].legend(loc="upper left")
    return {"stream": figure}
