"""The figures of a run, readable in black and white: lines differ in style as well as in colour."""

from pathlib import Path

import numpy as np

TRUTH = {"color": "0.45", "linewidth": 2.2, "label": "truth"}
MODEL = {"color": "#b2182b", "linewidth": 1.2, "linestyle": "--"}
SPLITS = {  # colours that stay apart for colour-blind eyes
    "train": {"color": "#2166ac", "linestyle": "-"},
    "validation": {"color": "#d6604d", "linestyle": "--"},
    "test": {"color": "#1b7837", "linestyle": "-."},
}

COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#762a83", "#e08214", "#35978f", "#404040")
STYLES = ("-", "--", "-.", ":")


def panels(count, x_label, y_label):
    """A figure with `count` axes side by side, which share their kind of axes: (figure, [axes, ...])."""
    from matplotlib.figure import Figure  # here: a third of a second that only figures need

    columns = min(count, 4)
    lines = -(-count // columns)
    width = 6.4 if columns == 1 else 3.4 * columns
    figure = Figure(figsize=(width, 3.6 * lines), layout="constrained")
    found = [figure.add_subplot(lines, columns, place + 1) for place in range(count)]
    for place, axes in enumerate(found):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel(x_label)
        if place % columns == 0:
            axes.set_ylabel(y_label)
    return figure, found


def save(figure, folder, name):
    """Writes `figures/NAME.png` into a run folder and returns its path."""
    path = Path(folder) / "figures" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path


def publish(figure, folder, name):
    """Writes `figures/NAME.png` and, for a paper, `figures/NAME.pdf`; returns the path of the first."""
    from matplotlib import rc_context

    path = save(figure, folder, name)
    with rc_context({"pdf.fonttype": 42}):  # letters stay letters
        figure.savefig(path.with_suffix(".pdf"))
    return path


def learning_curves(rows, loss_name, trivial_name, baseline):
    """Loss against updates, and the trivial predictor's loss beside it.

    Args:
      rows: the rows of `metrics.csv`.
      loss_name, trivial_name: as in `Dataset`.
      baseline: the trivial predictor's loss on the validation split, or None.
    """
    figure, axes = _axes("update", f"loss: {loss_name}")
    for split in dict.fromkeys(row["split"] for row in rows):
        steps, losses = _column(rows, split, "loss")
        axes.plot(steps, losses, label=split, marker="o" if len(steps) == 1 else None, **SPLITS[split])
    if baseline is not None:
        axes.axhline(baseline, color="0.4", linestyle=":", label=f"{trivial_name} (validation)")
    axes.set_yscale("log")
    _legend_above(axes)
    return figure


def gradient_norm(rows, clip_norm):
    """Gradient norm before clipping against updates: mean and maximum of each report.

    Args:
      rows: the rows of `metrics.csv`.
      clip_norm: the threshold, or None.
    """
    figure, axes = _axes("update", "gradient norm before clipping")
    steps, mean = _column(rows, "train", "grad_norm")
    _, maximum = _column(rows, "train", "grad_norm_max")
    marker = "o" if len(steps) == 1 else None
    axes.plot(steps, mean, color="#2166ac", marker=marker, label="mean of a report")
    axes.plot(steps, maximum, color="#2166ac", marker=marker, linewidth=0.8, linestyle=":", label="maximum of a report")
    if clip_norm is not None:
        axes.axhline(clip_norm, color="0.4", linestyle="--", label="clipping threshold")
    axes.set_yscale("log")
    _legend_above(axes)
    return figure


def prediction(series, span, predicted):
    """One-step prediction of a span of a series, each value from the true values before it.

    Args:
      series: a `Series`.
      span: (start, stop), the values predicted.
      predicted: [stop - start, K], in the network's units.
    """
    figure, axes = _axes(series.time_label, series.value_label)
    times = series.times[slice(*span)]
    axes.plot(times, _source_units(series, series.values[slice(*span), 0]), **TRUTH)
    axes.plot(times, _source_units(series, predicted[:, 0]), label="one-step prediction", **MODEL)
    _legend_above(axes)
    return figure


def generation(series, handover, prime, generated):
    """Free-running generation against the truth, with the handover marked.

    Args:
      series: a `Series`.
      handover: index of the first generated value.
      prime: number of true values fed before it.
      generated: [length, K], in the network's units.
    """
    figure, axes = _axes(series.time_label, series.value_label)
    length = len(generated)
    shown = slice(handover - min(prime, 2 * length), min(handover + length, len(series.values)))
    step = series.times[1] - series.times[0]
    axes.plot(series.times[shown], _source_units(series, series.values[shown, 0]), **TRUTH)
    marker = "." if length <= 60 else None  # show the points where they can be told apart
    times = series.times[handover - 1] + step * np.arange(1, length + 1)
    axes.plot(times, _source_units(series, generated[:, 0]), label="generated", marker=marker, **MODEL)
    at = series.times[handover - 1] + step / 2
    axes.axvline(at, color="0.2", linewidth=0.8, linestyle=":")
    axes.annotate(
        "primed on the truth ", (at, 1.0), xycoords=("data", "axes fraction"), ha="right", va="bottom", fontsize=8
    )
    axes.annotate(
        " runs on its own output", (at, 1.0), xycoords=("data", "axes fraction"), ha="left", va="bottom", fontsize=8
    )
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return figure


def _axes(x_label, y_label):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel=x_label, ylabel=y_label)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _legend_above(axes):
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.2, fontsize=9)


def _column(rows, split, name):
    chosen = [row for row in rows if row["split"] == split and row[name] is not None]
    return [row["step"] for row in chosen], [row[name] for row in chosen]


def _source_units(series, values):
    return np.asarray(values) * series.std + series.mean
