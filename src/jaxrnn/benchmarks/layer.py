"""One recurrent layer, forward and with its gradient, beside the layers of other tools."""

from functools import partial
from typing import Literal

from jaxrnn.benchmarks import _baseline_layers as layers
from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._worker import Missing, Worker, clocked
from jaxrnn.plotting import style as plotting
from jaxrnn.types import NonNegative, Size

CELLS = ("lstm", "gru", "elman", "jordan")
PASSES = ("forward", "gradient")
UNROLLS = ("deferred", "scan", "chunked", "newton", "cudnn", "loop")
SHAPES = (
    (1, 36, 1, 16),
    (1, 20, 1, 100),
    (1, 100, 64, 512),
    (64, 10, 64, 128),
    (32, 100, 64, 128),
    (32, 50, 1024, 256),
    (100, 500, 1, 200),
    (64, 128, 256, 512),
    (16, 50, 256, 1024),
)


def benchmark(
    cells: list[Literal[CELLS]] = CELLS,
    shapes: list[list[Size]] = SHAPES,
    unrolls: list[Literal[UNROLLS]] = ("deferred",),
    baselines: list[Literal[tuple(layers.BASELINES)]] = tuple(layers.BASELINES),
    passes: list[Literal[PASSES]] = PASSES,
    repeats: Size = 5,
    at_least: NonNegative = 0.3,
):
    """Times the outputs of a layer, and the gradient of their mean square with respect to its weights.

    The rows of our batch are shared out over all devices, as in training; every other tool runs in a process of its
    own. The Jordan cell, H units and one output, is measured beside the Elman cell.

    Args:
      cells: of lstm, gru, elman, jordan.
      shapes: [[B, T, D, H], ...].
      unrolls: ours, the first one is the measure.
      baselines: names of the tools that are compared with.
      passes: what is timed.
      repeats: rounds.
      at_least: seconds that a time is taken over, by as many calls as they hold.
    """
    rows, summary, findings = [], [], []
    for kind in cells:
        for shape in shapes:
            for backward in [name == "gradient" for name in passes]:
                makers = {
                    f"jaxrnn {unroll}" if number else "jaxrnn": partial(_here, kind, shape, backward, unroll, at_least)
                    for number, unroll in enumerate(unrolls)
                }
                if kind == "jordan":
                    makers["jaxrnn elman"] = partial(_here, "elman", shape, backward, unrolls[0], at_least)
                else:
                    makers |= {name: partial(_baseline, name, kind, shape, backward, at_least) for name in baselines}
                seconds, left_out = timing.in_turn(makers, repeats)
                columns = dict(zip("BTDH", shape, strict=True)) | {"cell": kind, "gradient": int(backward)}
                rows += timing.rows_of(seconds, **columns)
                summary += timing.summarised(seconds, **columns)
                findings += [f"{kind} {line}" for line in left_out]
    return timing.Measured(rows, summary, [*_table(summary), *dict.fromkeys(findings)])


def _here(kind, shape, backward, unroll, at_least):
    try:
        compute = layers.ours(kind, *shape, backward, unroll)
        compute()
    except ValueError as error:
        raise Missing(error) from error
    return clocked(compute, at_least)


def _baseline(name, kind, shape, backward, at_least):
    make, environment = layers.BASELINES[name]
    return Worker(make, kind, *shape, backward, environment=environment, at_least=at_least)


def _table(summary):
    """Milliseconds of every side, a line a layer."""
    lines = []
    for row in summary:
        if row["side"] == "jaxrnn":
            what = "forward and backward" if row["gradient"] else "forward"
            lines.append("{cell} B={B} T={T} D={D} H={H}, ".format(**row) + what + ":")
        lines[-1] += f" {row['side']} {1e3 * row['median']:.3g} ms"
        lines[-1] += f" ({row['times_the_first']:.2f})" if row["side"] != "jaxrnn" else ""
    return lines


def plot(measured):
    """How many times our time the others take for the last pass that was timed; the line at 1 is ours."""
    rows = [row for row in measured.summary if row["gradient"] == measured.summary[-1]["gradient"]]
    sides = [side for side in dict.fromkeys(row["side"] for row in rows) if side != "jaxrnn"]
    shapes = list(dict.fromkeys(tuple(row[name] for name in "BTDH") for row in rows))
    kinds = list(dict.fromkeys(row["cell"] for row in rows))
    figure, panels = plotting.panels(len(kinds), "", "times our time")
    for axes, kind in zip(panels, kinds, strict=True):
        for index, side in enumerate(sides):
            chosen = [row for row in rows if row["cell"] == kind and row["side"] == side]
            axes.plot(
                [shapes.index(tuple(row[name] for name in "BTDH")) + (index - len(sides) / 2) / 12 for row in chosen],
                [row["times_the_first"] for row in chosen],
                "o",
                markersize=4,
                label=side,
                color=plotting.COLOURS[index % len(plotting.COLOURS)],
                fillstyle="full" if index < len(plotting.COLOURS) else "none",
            )
        axes.axhline(1.0, color="0.4", linestyle="--")
        axes.set_yscale("log")
        limits = axes.get_ylim()
        axes.set_yticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5", "1", "2", "5", "10", "20", "50"])
        axes.minorticks_off()
        axes.set_ylim(limits)
        labels = ["\n".join(f"{name}={value}" for name, value in zip("BTDH", shape, strict=True)) for shape in shapes]
        axes.set_xticks(range(len(shapes)), labels)
        axes.set_title(kind)
    panels[0].legend()
    return {"layer": figure}
