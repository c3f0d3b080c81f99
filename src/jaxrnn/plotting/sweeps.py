"""The figures of a sweep: learning curves with bands over seeds, every factor alone, factors in pairs."""

import numpy as np

from jaxrnn.plotting import style

LARGEST = 1e100  # on an axis of numbers; a factor with a larger value is drawn value by value


def learning_curves(curves, label):
    """Median over runs and the range that they span.

    Args:
      curves: {label: {step: losses of the runs}}.
      label: of the losses.
    """
    figure, [axes] = style.panels(1, "update", style.plain(label))
    for count, (name, curve) in enumerate(curves.items()):
        steps = sorted(curve)
        line = style.series(count) | {"markevery": 0.2}
        axes.plot(steps, [np.median(curve[step]) for step in steps], label=style.plain(name), **line)
        low, high = ([pick(curve[step]) for step in steps] for pick in (min, max))
        axes.fill_between(steps, low, high, color=line["color"], alpha=0.15, linewidth=0)
    if curves and all(loss > 0 for curve in curves.values() for losses in curve.values() for loss in losses):
        axes.set_yscale("log")
    style.legend_below(figure, title="median and range over seeds, the best settings first")
    return figure


def one_factor(values, points, name, metric, log):
    """The metric of every run against one factor; its median, and the best setting at each value.

    Args:
      values: of the factor, in order.
      points: [(value, the metric of the runs of a setting, their mean), ...], the best setting first.
      name, metric: what the axes say.
      log: whether the metric may be drawn on a logarithmic axis.
    """
    figure, [axes] = style.panels(1, style.plain(name), style.plain(metric))
    places, numeric = _places(values)
    medians, best = [], []
    for value in values:
        of_value = [(runs, mean) for at, runs, mean in points if at == value]
        every = np.concatenate([runs for runs, _ in of_value]) if of_value else np.array([np.nan])
        medians.append(np.median(every))
        best.append(of_value[0][1] if of_value else np.nan)
        axes.plot(np.full(len(every), places[value]), every, ".", color="0.6", markersize=4, zorder=1)
    at = [places[value] for value in values]
    lines = {"median of all runs": (medians, "o", "-"), "best setting (mean over seeds)": (best, "s", "--")}
    for count, (label, (found, marker, line)) in enumerate(lines.items()):
        colour = style.COLOURS[count]
        axes.plot(at, found, marker=marker, linestyle=line if numeric else "", color=colour, label=label)
    _ticks(axes, values, places, numeric)
    if log and all(v > 0 for v in (*medians, *best) if np.isfinite(v)):
        axes.set_yscale("log")
    style.legend_above(axes)
    return figure


def two_factors(grid, first, second, label, log, title=None):
    """A metric against two factors, as numbers on colours.

    Args:
      grid: the metric [values of the second, values of the first], NaN where there is none.
      first, second: (name, values) of the factors.
      label: of the metric.
      log: whether the metric may be drawn on a logarithmic scale.
      title: of the panel, or None.
    """
    from matplotlib.colors import LogNorm

    figure, [axes] = style.panels(1, style.plain(first[0]), style.plain(second[0]))
    positive = np.nanmin(grid) > 0 and log
    image = axes.imshow(grid, cmap="viridis_r", aspect="auto", origin="lower", norm=LogNorm() if positive else None)
    middle = np.sqrt(np.nanmin(grid) * np.nanmax(grid)) if positive else (np.nanmin(grid) + np.nanmax(grid)) / 2
    for (row, column), value in np.ndenumerate(grid):
        if np.isfinite(value):
            colour = "white" if value > middle else "black"
            axes.text(column, row, f"{value:.2g}", ha="center", va="center", fontsize=style.SMALLEST, color=colour)
    axes.set_xticks(range(len(first[1])), [style.plain(number(value)) for value in first[1]])
    axes.set_yticks(range(len(second[1])), [style.plain(number(value)) for value in second[1]])
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label=style.plain(label))
    if title is not None:
        axes.set_title(style.plain(title))
    return figure


def number(value):
    """A factor's value as a label."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _places(values):
    """({value: place on the axis}, whether the places are the numbers themselves)."""
    if all(isinstance(value, int | float) and abs(value) < LARGEST for value in values):
        return {value: float(value) for value in values}, True
    return {value: place for place, value in enumerate(values)}, False


def _ticks(axes, values, places, numeric):
    if numeric and values[0] > 0 and values[-1] / values[0] > 10:
        axes.set_xscale("log")
        axes.minorticks_off()
    if not numeric:
        axes.set_xlim(-0.5, len(values) - 0.5)
    axes.set_xticks([places[value] for value in values], [style.plain(number(value)) for value in values])
