"""Curves of medians over networks with bootstrap bands: one panel per network, or all networks in one panel."""

from typing import Any, NamedTuple

import numpy as np

from jaxrnn import statistics
from jaxrnn.plotting import style

FEW = 10  # a curve with fewer points marks each of them
BAND = "90 % interval over networks"
MAX_BANDS = 5  # networks in one panel whose bands stay readable


class Curve(NamedTuple):
    """A curve of one kind of network.

    Fields:
      x: [X].
      values: [N, X], values of N networks.
      name: name of the curve among those of its network; in the layout "curves" each name has a panel.
      label: its text in the legend of the layout "panels".
      line: further properties of the line there.
      latest: whether it belongs to the last checkpoint; the layout "curves" shows no others.
    """

    x: Any
    values: Any
    name: str = ""
    label: str | None = None
    line: dict[str, Any] = {}  # noqa: RUF012
    latest: bool = True


def before_and_after(x, values, steps, name="", **line):
    """Yields the `Curve`s of the first checkpoint (thin and dashed) and of the last one.

    Args:
      x: [X].
      values: [S, N, X], values of N networks at S checkpoints.
      steps: [S], the number of updates at each checkpoint.
      name: name of the curves, needed where a network has several.
      line: further properties of the lines.
    """
    for moment in sorted({0, len(steps) - 1}):
        when = [] if name and len(steps) == 1 else [style.when(steps[moment])]
        latest = moment == len(steps) - 1
        label = ", ".join([name] * bool(name) + when)
        yield Curve(x, values[moment], name, label, line | ({} if latest else style.BEFORE), latest)


def figure(networks, curves_of, x_label, y_label, layout, **options):
    """Draws the curves of networks in a layout.

    Args:
      networks: {name: arrays}.
      curves_of: arrays -> iterable of `Curve`s.
      x_label, y_label: labels of the axes.
      layout: "panels" for one panel per network, "curves" for one panel per name of a curve, with all networks in it.
      options: `heading` (name, arrays) -> title of a panel or label of a curve; `theory` (axes, arrays), called for
        each panel of a network; `finish` (axes), called for each panel; `sharex` and `sharey` of `style.panels`.

    Returns:
      (figure, [axes, ...], list of all values drawn).
    """
    draw = {"panels": _panels, "curves": _overlaid}[layout]
    return draw(networks, curves_of, x_label, y_label, **options)


def _panels(networks, curves_of, x_label, y_label, heading=None, theory=None, finish=None, **shared):
    drawn = []
    drawing, panels = style.named_panels(networks, x_label, y_label, heading or (lambda name, _: name), **shared)
    for axes, arrays in panels:
        drawn += draw_all(axes, curves_of(arrays))
        if theory is not None:
            theory(axes, arrays)
        if finish is not None:
            finish(axes)
    return drawing, [axes for axes, _ in panels], drawn


def _overlaid(networks, curves_of, x_label, y_label, heading=None, theory=None, finish=None, **shared):
    drawn = []
    curves = {name: [each for each in curves_of(arrays) if each.latest] for name, arrays in networks.items()}
    names = dict.fromkeys(curve.name for listed in curves.values() for curve in listed)
    drawing, panels = style.panels(len(names), x_label, y_label, **shared)
    axes_by_name = dict(zip(names, panels, strict=True))
    several = any(len(curve.values) > 1 for listed in curves.values() for curve in listed)
    band = several and len(networks) <= MAX_BANDS
    for number, (network, arrays) in enumerate(networks.items()):
        label = network if heading is None else heading(network, arrays)
        if len(steps := arrays.get("steps", ())) > 1:
            label += f", {style.when(steps[-1])}"
        for curve in curves[network]:
            line = style.series(number) | {"label": label, "markevery": max(1, len(curve.x) // 8)}
            drawn += banded(axes_by_name[curve.name], curve.x, curve.values, band, "_", **line)
    if band:
        panels[0].fill_between([], [], color="0.5", alpha=0.4, linewidth=0, label=BAND)  # the last of the legend
    for name, axes in axes_by_name.items():
        if len(names) > 1:
            style.title(axes, name)
        if finish is not None:
            finish(axes)
    return drawing, panels, drawn


def draw_all(axes, curves):
    """Draws the `Curve`s of one network; returns a list of all values drawn."""
    intervals = [banded(axes, curve.x, curve.values, label=curve.label, **curve.line) for curve in curves]
    return [values for interval in intervals for values in interval]


def banded(axes, x, values, band=True, band_label=BAND, color=style.BLACK, **line):
    """Draws the medians over networks of values [N, X] at x [X], with bootstrap intervals as a band. Returns both."""
    interval = statistics.median(values)
    marker = {"marker": "o"} if len(interval.middle) < FEW else {}
    axes.plot(x, interval.middle, color=color, **marker | line)
    if band:
        label = band_label if len(values) > 1 else None
        axes.fill_between(x, interval.low, interval.high, color=color, alpha=0.2, linewidth=0, label=label)
    return interval


def with_bars(axes, x, intervals, **line):
    """Draws estimates with their intervals [X, 3] (middle, low, high) at x [X], as points with error bars."""
    middle, low, high = np.array(intervals).T
    axes.errorbar(x, middle, np.maximum([middle - low, high - middle], 0), elinewidth=0.8, **line)


def ranks(values, first=1):
    """Returns the numbers first, first + 1, ... along the last axis of values."""
    return np.arange(first, first + values.shape[-1])
