"""One recurrent layer, forward and with its gradient, against the layers of other tools."""

from functools import partial
from itertools import product
from typing import Literal, get_args

from jaxrnn.benchmarks import _baseline_bidirectional, _baseline_layers
from jaxrnn.benchmarks import _timing as timing
from jaxrnn.benchmarks._worker import Missing, Workers, clocked
from jaxrnn.errors import ConfigError
from jaxrnn.plotting import style as plotting
from jaxrnn.types import ListOf, NonNegative, Size

CellName = Literal["lstm", "gru", "elman", "jordan"]
CELLS: tuple[CellName, ...] = get_args(CellName)
StackName = Literal["layer", "bidirectional"]
STACKS = {"layer": _baseline_layers, "bidirectional": _baseline_bidirectional}
MARKERS = "os^vDPXo"  # one per other side, so that a grey print shows the difference
PassName = Literal["forward", "gradient"]
PASSES: tuple[PassName, ...] = get_args(PassName)
UnrollName = Literal["deferred", "scan", "chunked", "newton", "cudnn", "loop"]
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
    cells: ListOf[CellName] = CELLS,
    shapes: ListOf[ListOf[Size]] = SHAPES,
    unrolls: ListOf[UnrollName] = ("deferred",),
    baselines: ListOf[_baseline_layers.Baseline] = tuple(_baseline_layers.BASELINES),
    passes: ListOf[PassName] = PASSES,
    stack: StackName = "layer",
    repeats: Size = 5,
    at_least: NonNegative = 0.3,
):
    """Times the outputs of a layer, and the gradient of their mean square with respect to its weights.

    The rows of our batch are distributed over all devices, as in training. Every other tool runs in its own process.
    The Jordan cell, H units and one output, is compared with our Elman cell.

    Args:
      cells: any of lstm, gru, elman, jordan.
      shapes: [[B, T, D, H], ...].
      unrolls: our unrolls; the first one is the reference.
      baselines: names of the other tools.
      passes: what is timed.
      stack: one layer, or two bidirectional layers over sequences of lengths T/2 to T.
      repeats: number of rounds.
      at_least: minimum number of seconds of one measurement, filled by several calls.

    Raises:
      ConfigError: if a cell or a tool is not measured in this stack.
    """
    tools = _tools(stack, cells, baselines)
    rows, summary, findings = [], [], []
    with Workers() as workers:
        for kind, shape, name in product(cells, shapes, passes):
            work = (kind, *shape, name == "gradient")
            makers = {
                f"jaxrnn {unroll}" if number else "jaxrnn": partial(_here, tools.ours, work, unroll, at_least)
                for number, unroll in enumerate(unrolls)
            }
            if kind == "jordan":
                makers["jaxrnn elman"] = partial(_here, tools.ours, ("elman", *work[1:]), unrolls[0], at_least)
            else:
                makers |= {name: partial(_there, workers, tools.BASELINES, name, work, at_least) for name in baselines}
            seconds, left_out = timing.in_turn(makers, repeats)
            columns = dict(zip("BTDH", shape, strict=True)) | {"cell": kind, "gradient": int(work[-1])}
            rows += timing.rows_of(seconds, **columns)
            summary += timing.summarised(seconds, **columns)
            findings += [f"{kind} {line}" for line in left_out]
    return timing.Measured(rows, summary, [*_table(summary), *dict.fromkeys(findings)])


def _tools(stack, cells, baselines):
    """Returns the module whose functions make the sides."""
    if stack == "bidirectional" and "jordan" in cells:
        raise ConfigError("benchmark.cells: jordan is not measured with benchmark.stack=bidirectional; leave it out")
    if unknown := set(baselines) - set(STACKS[stack].BASELINES):
        raise ConfigError(
            f"benchmark.baselines: {', '.join(unknown)} not measured with benchmark.stack={stack}; "
            f"choose from {', '.join(STACKS[stack].BASELINES)}"
        )
    return STACKS[stack]


def _here(make, work, unroll, at_least):
    try:
        compute = make(*work, unroll)
        compute()
    except (ValueError, RuntimeError) as error:  # also XLA's, if a kernel does not fit
        raise Missing(str(error).partition("\n")[0]) from error
    return clocked(compute, at_least)


def _there(workers, baselines, name, work, at_least):
    make, environment = baselines[name]
    return workers.side(name, make, *work, environment=environment, at_least=at_least)


def _table(summary):
    """Returns the milliseconds of every side, one line per layer."""
    lines = []
    for row in summary:
        if row["side"] == "jaxrnn":
            pass_name = "forward and backward" if row["gradient"] else "forward"
            lines.append("{cell} B={B} T={T} D={D} H={H}, ".format(**row) + pass_name + ":")
        lines[-1] += f" {row['side']} {1e3 * row['median']:.3g} ms"
        lines[-1] += f" ({row['times_the_first']:.2f})" if row["side"] != "jaxrnn" else ""
    return lines


def plot(measured):
    """Draws the other sides' time divided by ours for the last timed pass; the line at 1 is ours."""
    rows = [row for row in measured.summary if row["gradient"] == measured.summary[-1]["gradient"]]
    sides = [side for side in dict.fromkeys(row["side"] for row in rows) if side != "jaxrnn"]
    shapes = list(dict.fromkeys(tuple(row[name] for name in "BTDH") for row in rows))
    kinds = list(dict.fromkeys(row["cell"] for row in rows))
    figure, panels = plotting.panels(len(kinds), "B, T, D, H", "times our time", columns=2)
    for axes, kind in zip(panels, kinds, strict=True):
        for index, side in enumerate(sides):
            chosen = [row for row in rows if row["cell"] == kind and row["side"] == side]
            axes.plot(
                [shapes.index(tuple(row[name] for name in "BTDH")) + (index - len(sides) / 2) / 12 for row in chosen],
                [row["times_the_first"] for row in chosen],
                MARKERS[index],
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
        axes.set_xticks(range(len(shapes)), [", ".join(map(str, shape)) for shape in shapes], rotation=40, ha="right")
        axes.set_title(kind)
    return {"layer": plotting.legend_below(figure)}
