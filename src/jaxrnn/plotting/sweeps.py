"""Figures of a sweep: learning curves with a range over seeds, the effect of one factor, and of two factors."""

import numpy as np

from jaxrnn.plotting import style

LARGEST = 1e100  # largest number on a numeric axis; a factor with a larger value gets one tick per value


def learning_curves(curves, label):
    """Draws the median and the range of the losses over runs.

    Args:
      curves: {name of the setting: {step: losses of the runs}}.
      label: label of the y axis.
    """
    figure, axes = style.axes("update", style.plain(label))
    for count, (name, curve) in enumerate(curves.items()):
        steps = sorted(curve)
        line = style.series(count) | {"markevery": 0.2}
        axes.plot(steps, [np.median(curve[step]) for step in steps], label=style.plain(name), zorder=3, **line)
        low, high = ([pick(curve[step]) for step in steps] for pick in (min, max))
        axes.fill_between(steps, low, high, color=line["color"], alpha=0.15, linewidth=0)
    if curves and all(loss > 0 for curve in curves.values() for losses in curve.values() for loss in losses):
        axes.set_yscale("log")
    return style.legend_below(figure, title="median and range over seeds, best settings first")


def one_factor(values, points, name, metric, log):
    """Draws a metric of every run against one factor, with the median and the best setting at each value.

    Args:
      values: values of the factor, in order.
      points: [(value, the metric of each run of a setting, their mean), ...], the best setting first.
      name: name of the factor, the label of the x axis.
      metric: name of the metric, the label of the y axis.
      log: True if a logarithmic axis is allowed.
    """
    figure, axes = style.axes(style.plain(name), style.plain(metric))
    positions, is_numeric = _positions(values)
    medians, best = [], []
    for value in values:
        settings = [(runs, mean) for factor_value, runs, mean in points if factor_value == value]
        metrics = np.concatenate([runs for runs, _ in settings]) if settings else np.array([np.nan])
        medians.append(np.median(metrics))
        best.append(settings[0][1] if settings else np.nan)
        axes.plot(np.full(len(metrics), positions[value]), metrics, ".", color="0.6", markersize=4, zorder=1)
    xs = [positions[value] for value in values]
    lines = {"median of all runs": (medians, "o", "-"), "best setting (mean over seeds)": (best, "s", "--")}
    for count, (label, (ys, marker, line)) in enumerate(lines.items()):
        colour = style.COLOURS[count]
        axes.plot(xs, ys, marker=marker, linestyle=line if is_numeric else "", color=colour, label=label)
    _set_ticks(axes, values, positions, is_numeric)
    if log and all(v > 0 for v in (*medians, *best) if np.isfinite(v)):
        axes.set_yscale("log")
    style.legend_above(axes)
    return figure


def two_factors(grid, first, second, label, log, title=None):
    """Draws a metric against two factors, as colours and numbers.

    Args:
      grid: the metric [values of the second factor, values of the first factor], NaN without a run.
      first: (name, values) of the first factor, on the x axis.
      second: (name, values) of the second factor, on the y axis.
      label: name of the metric.
      log: True if a logarithmic colour scale is allowed.
      title: title of the panel, or None.
    """
    from matplotlib.colors import LogNorm

    figure, axes = style.axes(style.plain(first[0]), style.plain(second[0]))
    is_log = np.nanmin(grid) > 0 and log
    image = axes.imshow(grid, cmap="viridis_r", aspect="auto", origin="lower", norm=LogNorm() if is_log else None)
    middle = np.sqrt(np.nanmin(grid) * np.nanmax(grid)) if is_log else (np.nanmin(grid) + np.nanmax(grid)) / 2
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
    """Formats a factor's value as a label."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _positions(values):
    """Returns ({value: position on the axis}, True if the positions are the values themselves)."""
    if all(isinstance(value, int | float) and abs(value) < LARGEST for value in values):
        return {value: float(value) for value in values}, True
    return {value: index for index, value in enumerate(values)}, False


def _set_ticks(axes, values, positions, is_numeric):
    if is_numeric and values[0] > 0 and values[-1] / values[0] > 10:
        axes.set_xscale("log")
        axes.minorticks_off()
    if not is_numeric:
        axes.set_xlim(-0.5, len(values) - 0.5)
    axes.set_xticks([positions[value] for value in values], [style.plain(number(value)) for value in values])
