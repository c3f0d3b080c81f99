"""Figures of time series: predictions over a split, generated continuations, and errors by forecast horizon."""

import numpy as np

from jaxrnn.plotting import style

TRUTH = {"color": "0.55", "linewidth": 2.2, "label": "true values"}
MODEL = {"color": style.RED, "linewidth": 1.2, "linestyle": "--"}
BANDS = ((0.9, 0.13), (0.5, 0.28))  # (probability inside the band, opacity)
MAX_PANELS = 12  # series in the figures of a panel
MAX_STEPS = 400  # steps in the figure of a prediction; more would overlap


def prediction(series, distribution, ys):
    """Draws the prediction over a split with its 90 % interval, one panel per variable.

    Each value is predicted from the true values before it. If the outputs reach h steps ahead, the figure shows the
    prediction h steps ahead.

    Args:
      series: a `Series`.
      distribution: the distribution of the outputs.
      ys: outputs at the steps of the split, in order [n, K]. The last one reaches the end of the series.
    """
    figure, panels = _panels(series)
    _draw_prediction(panels, series, distribution, ys)
    return style.legend_below(figure) if len(panels) > 1 else style.legend_above(panels[0])


def panel_prediction(outputs):
    """Draws the predictions of several series as `prediction` does, with one small panel per series and variable.

    Args:
      outputs: [(`Series`, ys [n, K]), ...]. At most 12 panels are drawn, of the first series.
    """
    figure, panels = _small_panels([series for series, _ in outputs])
    for series, ys in outputs:
        axes_list, panels = panels[: len(series.value_labels)], panels[len(series.value_labels) :]
        _draw_prediction(axes_list, series, series.distribution, ys)
    return style.legend_below(figure)


def panel_generation(outputs):
    """Draws the generated continuations of several series, with one small panel per series and variable.

    Args:
      outputs: [(`Series`, start, prime, generated), ...], as in `generation`. At most 12 panels are drawn.
    """
    figure, panels = _small_panels([series for series, *_ in outputs])
    for series, *generated in outputs:
        axes_list, panels = panels[: len(series.value_labels)], panels[len(series.value_labels) :]
        _draw_generation(axes_list, series, *generated)
    return style.legend_below(figure)


def _small_panels(panel):
    """Returns (figure, axes), one for each variable of several `Series`, with its name as the title."""
    names = [
        series.name if len(series.value_labels) == 1 else f"{series.name}, {label}"
        for series in panel
        for label in series.value_labels
    ][:MAX_PANELS]
    label = panel[0].value_labels[0] if len(panel[0].value_labels) == 1 else ""
    figure, axes_list = style.panels(len(names), style.plain(panel[0].time_label), style.plain(label), columns=3)
    for axes, name in zip(axes_list, names, strict=True):
        style.title(axes, style.plain(name))
        axes.tick_params(axis="x", labelrotation=30)
    return figure, axes_list


def _draw_prediction(panels, series, distribution, ys):
    """Draws the last steps of a prediction into the panels of the first variables."""
    ahead, width = series.horizon, series.values.shape[1]
    ys = ys[-MAX_STEPS:]
    start = len(series.values) - len(ys)

    def furthest(values):
        return series.in_source_units(np.asarray(values).reshape(len(ys), ahead, width)[:, -1])

    median = furthest(distribution.median(ys))
    low, high = (furthest(distribution.quantile(ys, q)) if distribution.size > 1 else None for q in (0.05, 0.95))
    times, truth = series.times_of(start, len(ys)), series.in_source_units(series.truth()[start:])
    label = "one-step prediction" if ahead == 1 else f"prediction {ahead} steps ahead"
    for variable, axes in enumerate(panels):
        _draw_truth(axes, times, truth[:, variable])
        if low is not None and high is not None:
            _band(axes, times, low[:, variable], high[:, variable], 0.2, "90 % interval")
        axes.plot(times, median[:, variable], label=label, **MODEL)


def generation(series, start, prime, generated, paths=None):
    """Draws a generated continuation and the true values, one panel per variable.

    A vertical line marks the end of the burn-in.

    Args:
      series: a `Series`.
      start: index of the first generated value.
      prime: number of true values that the network reads before it (the burn-in).
      generated: generated values [length, V], in the network's units.
      paths: sampled paths [length, n, V], or None. The figure shades their central 90 % and 50 %.
    """
    figure, panels = _panels(series)
    _label_boundary(panels[0], _draw_generation(panels, series, start, prime, generated, paths), series.horizon)
    return style.legend_below(figure)


def _draw_generation(panels, series, start, prime, generated, paths=None):
    """Draws a continuation into the panels of the first variables; returns the time where it begins."""
    length = len(generated)
    first, last = start - min(prime, 2 * length), min(start + length, len(series.values))
    true_times, times = series.times_of(first, last - first), series.times_of(start, length)
    before, after = series.times_of(start - 1, 2)
    boundary = before + (after - before) / 2
    values, truth = series.in_source_units(generated), series.in_source_units(series.truth()[first:last])
    for variable, axes in enumerate(panels):
        _draw_truth(axes, true_times, truth[:, variable])
        if paths is not None:
            sampled = series.in_source_units(paths)[..., variable]
            for share, opacity in BANDS:
                low, high = np.quantile(sampled, (0.5 - share / 2, 0.5 + share / 2), axis=1)
                _band(axes, times, low, high, opacity, f"central {100 * share:.0f} % of the sampled paths")
        marker = "." if length <= 60 else None  # show single points only if they do not overlap
        label = "generated" if series.horizon == 1 else "forecast"
        axes.plot(times, values[:, variable], label=label, marker=marker, **MODEL)
        axes.axvline(boundary, color="0.2", linewidth=0.8, linestyle=":")
    return boundary


def by_lead(errors, label):
    """Draws the forecast error against the number of steps ahead, one curve per predictor.

    Args:
      errors: {name: errors [h]}, the network first.
      label: label of the y axis.
    """
    figure, axes = style.axes("steps ahead", style.plain(label))
    for number, (name, values) in enumerate(errors.items()):
        axes.plot(np.arange(1, len(values) + 1), values, label=style.plain(name), **style.series(number))
    axes.set_ylim(bottom=0)
    return style.legend_below(figure)


def _band(axes, times, low, high, opacity, label):
    axes.fill_between(times, low, high, color=style.RED, alpha=opacity, linewidth=0, label=label)


def _draw_truth(axes, times, values):
    """Draws the true values. The line bridges missing values."""
    known = ~np.isnan(values)
    axes.plot(times[known], values[known], **TRUTH)


def _panels(series):
    figure, panels = style.panels(len(series.value_labels), style.plain(series.time_label), "", columns=1, sharex=True)
    for axes, label in zip(panels, series.value_labels, strict=True):
        axes.set_ylabel(style.plain(label))
    return figure, panels


def _label_boundary(axes, boundary, horizon):
    from matplotlib import rcParams  # imported here because it takes a third of a second

    options = {"xycoords": ("data", "axes fraction"), "va": "bottom", "fontsize": rcParams["legend.fontsize"]}
    axes.annotate("burn-in on true values ", (boundary, 1.0), ha="right", **options)
    text = " free running" if horizon == 1 else " forecast of all steps at once"
    axes.annotate(text, (boundary, 1.0), ha="left", **options)
