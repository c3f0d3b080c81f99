"""The figures of a run: learning curves, gradient norm, one-step prediction, free-running generation."""

import numpy as np

from jaxrnn.plotting import style

TRUTH = {"color": "0.55", "linewidth": 2.2, "label": "truth"}
MODEL = {"color": style.RED, "linewidth": 1.2, "linestyle": "--"}
SPLITS = {
    "train": {"color": style.BLUE, "linestyle": "-"},
    "validation": {"color": style.RED, "linestyle": "--"},
    "test": {"color": style.GREEN, "linestyle": "-."},
}


def learning_curves(rows, loss_name, trivial_name, baseline):
    """Loss against updates, and the trivial predictor's loss beside it.

    Args:
      rows: the rows of `metrics.csv`.
      loss_name, trivial_name: as in `Dataset`.
      baseline: the trivial predictor's loss on the validation split, or None.
    """
    figure, axes = style.axes("update", f"loss: {loss_name}")
    for split in dict.fromkeys(row["split"] for row in rows):
        steps, losses = _column(rows, split, "loss")
        axes.plot(steps, losses, label=split, marker="o" if len(steps) == 1 else None, **SPLITS[split])
    if baseline is not None:
        axes.axhline(baseline, color="0.4", linestyle=":", label=f"{trivial_name} (validation)")
    axes.set_yscale("log")
    style.legend_above(axes)
    return figure


def gradient_norm(rows, clip_norm):
    """Gradient norm before clipping against updates: mean and maximum of each report.

    Args:
      rows: the rows of `metrics.csv`.
      clip_norm: the threshold, or None.
    """
    figure, axes = style.axes("update", "gradient norm before clipping")
    steps, mean = _column(rows, "train", "grad_norm")
    _, maximum = _column(rows, "train", "grad_norm_max")
    marker = "o" if len(steps) == 1 else None
    axes.plot(steps, mean, color=style.BLUE, marker=marker, label="mean of a report")
    axes.plot(
        steps, maximum, color=style.BLUE, marker=marker, linewidth=0.8, linestyle=":", label="maximum of a report"
    )
    if clip_norm is not None:
        axes.axhline(clip_norm, color="0.4", linestyle="--", label="clipping threshold")
    axes.set_yscale("log")
    style.legend_above(axes)
    return figure


def prediction(series, span, predicted):
    """One-step prediction of a span of a series, each value from the true values before it.

    Args:
      series: a `Series`.
      span: (start, stop), the values predicted.
      predicted: [stop - start, K], in the network's units.
    """
    figure, axes = style.axes(series.time_label, series.value_label)
    times = series.times[slice(*span)]
    axes.plot(times, _source_units(series, series.values[slice(*span), 0]), **TRUTH)
    axes.plot(times, _source_units(series, predicted[:, 0]), label="one-step prediction", **MODEL)
    style.legend_above(axes)
    return figure


def generation(series, handover, prime, generated):
    """Free-running generation against the truth, with the handover marked.

    Args:
      series: a `Series`.
      handover: index of the first generated value.
      prime: number of true values fed before it.
      generated: [length, K], in the network's units.
    """
    from matplotlib import rcParams  # here: a third of a second that only figures need

    figure, axes = style.axes(series.time_label, series.value_label)
    length = len(generated)
    shown = slice(handover - min(prime, 2 * length), min(handover + length, len(series.values)))
    step = series.times[1] - series.times[0]
    axes.plot(series.times[shown], _source_units(series, series.values[shown, 0]), **TRUTH)
    marker = "." if length <= 60 else None  # show the points where they can be told apart
    times = series.times[handover - 1] + step * np.arange(1, length + 1)
    axes.plot(times, _source_units(series, generated[:, 0]), label="generated", marker=marker, **MODEL)
    at = series.times[handover - 1] + step / 2
    axes.axvline(at, color="0.2", linewidth=0.8, linestyle=":")
    at_top = {"xycoords": ("data", "axes fraction"), "va": "bottom", "fontsize": rcParams["legend.fontsize"]}
    axes.annotate("primed on the truth ", (at, 1.0), ha="right", **at_top)
    axes.annotate(" runs on its own output", (at, 1.0), ha="left", **at_top)
    style.legend_below(figure)
    return figure


def _column(rows, split, name):
    chosen = [row for row in rows if row["split"] == split and row[name] is not None]
    return [row["step"] for row in chosen], [row[name] for row in chosen]


def _source_units(series, values):
    return np.asarray(values) * series.std + series.mean
