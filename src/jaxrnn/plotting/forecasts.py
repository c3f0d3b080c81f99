"""The figures of a series: its prediction over a split, its continuation with a fan, errors by how far ahead."""

import numpy as np

from jaxrnn.plotting import style

TRUTH = {"color": "0.55", "linewidth": 2.2, "label": "truth"}
MODEL = {"color": style.RED, "linewidth": 1.2, "linestyle": "--"}
BANDS = ((0.9, 0.13), (0.5, 0.28))  # (share of the probability inside, how dark)
MOST = 400  # steps that a prediction shows: more cannot be told apart


def prediction(series, distribution, ys):
    """The prediction of a split, each value from the true ones before it, with its 90 % interval: a panel a variable.

    Where the outputs reach h steps ahead, it is the value furthest ahead that is shown.

    Args:
      series: a `Series`.
      distribution: of the outputs.
      ys: [n, K], the outputs of the split's steps in order; the last of them reaches the end of the series.
    """
    ahead, width = series.horizon, series.values.shape[1]
    ys = ys[-MOST:]
    start = len(series.values) - len(ys)

    def furthest(values):
        return series.in_source_units(np.asarray(values).reshape(len(ys), ahead, width)[:, -1])

    middle = furthest(distribution.median(ys))
    low, high = (furthest(distribution.quantile(ys, q)) if distribution.size > 1 else None for q in (0.05, 0.95))
    times, truth = series.times_of(start, len(ys)), series.in_source_units(series.truth()[start:])
    figure, panels = _panels(series)
    label = "one-step prediction" if ahead == 1 else f"prediction {ahead} steps ahead"
    for variable, axes in enumerate(panels):
        _draw_truth(axes, times, truth[:, variable])
        if low is not None:
            axes.fill_between(times, low[:, variable], high[:, variable], color=style.RED, alpha=0.2, linewidth=0,
                              label="90 % interval")  # fmt: skip
        axes.plot(times, middle[:, variable], label=label, **MODEL)
    style.legend_below(figure) if len(panels) > 1 else style.legend_above(panels[0])
    return figure


def generation(series, start, prime, generated, paths=None):
    """What a network goes on with against the truth, the handover marked: a panel a variable.

    Args:
      series: a `Series`.
      start: index of the first generated value.
      prime: number of true values fed before it.
      generated: [length, V], in the network's units.
      paths: [length, n, V], drawn, whose central 90 and 50 % are shaded; None for none.
    """
    length = len(generated)
    first, last = start - min(prime, 2 * length), min(start + length, len(series.values))
    shown, times = series.times_of(first, last - first), series.times_of(start, length)
    handover = series.times_of(start - 1, 2)
    at = handover[0] + (handover[1] - handover[0]) / 2
    said, truth = series.in_source_units(generated), series.in_source_units(series.truth()[first:last])
    figure, panels = _panels(series)
    for variable, axes in enumerate(panels):
        _draw_truth(axes, shown, truth[:, variable])
        if paths is not None:
            drawn = series.in_source_units(paths)[..., variable]
            for share, dark in BANDS:
                low, high = np.quantile(drawn, (0.5 - share / 2, 0.5 + share / 2), axis=1)
                axes.fill_between(times, low, high, color=style.RED, alpha=dark, linewidth=0,
                                  label=f"central {share:.0%} of the paths drawn".replace("%", " %"))  # fmt: skip
        marker = "." if length <= 60 else None  # show the points where they can be told apart
        label = "generated" if series.horizon == 1 else "forecast"
        axes.plot(times, said[:, variable], label=label, marker=marker, **MODEL)
        axes.axvline(at, color="0.2", linewidth=0.8, linestyle=":")
    _mark(panels[0], at, series.horizon)
    style.legend_below(figure)
    return figure


def by_lead(errors, label):
    """An error against how many steps ahead it is made: a curve a predictor.

    Args:
      errors: {name: [h]}, the network first.
      label: of the error's axis.
    """
    figure, axes = style.axes("steps ahead", style.plain(label))
    for number, (name, values) in enumerate(errors.items()):
        axes.plot(np.arange(1, len(values) + 1), values, label=style.plain(name), **style.series(number))
    axes.set_ylim(bottom=0)
    style.legend_below(figure)
    return figure


def _draw_truth(axes, times, values):
    """Draws the true values, joined over those that are not known."""
    known = ~np.isnan(values)
    axes.plot(times[known], values[known], **TRUTH)


def _panels(series):
    figure, panels = style.panels(len(series.value_labels), style.plain(series.time_label), "", columns=1, sharex=True)
    for axes, label in zip(panels, series.value_labels, strict=True):
        axes.set_ylabel(style.plain(label))
    return figure, panels


def _mark(axes, at, horizon):
    from matplotlib import rcParams  # here: a third of a second that only figures need

    at_top = {"xycoords": ("data", "axes fraction"), "va": "bottom", "fontsize": rcParams["legend.fontsize"]}
    axes.annotate("primed on the truth ", (at, 1.0), ha="right", **at_top)
    goes_on = " runs on its own output" if horizon == 1 else " forecast at once"
    axes.annotate(goes_on, (at, 1.0), ha="left", **at_top)
