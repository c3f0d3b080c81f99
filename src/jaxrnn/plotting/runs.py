"""Figures of a run: learning curves and gradient norm."""

from jaxrnn.plotting import style

SPLITS = {
    "train": {"color": style.BLUE, "linestyle": "-"},
    "validation": {"color": style.RED, "linestyle": "--"},
    "test": {"color": style.GREEN, "linestyle": "-."},
}
SHARES = {"accuracy": "accuracy", "solved": "solved sequences (share)"}  # metric: label of its axis


def learning_curves(rows, loss_name, trivial_name, baseline):
    """Draws the loss against the number of updates, with the loss of the trivial predictor for comparison.

    Beside it stands the accuracy, or the share of solved sequences, of a run that reports one.

    Args:
      rows: the rows of `metrics.csv`.
      loss_name: name of the loss, see `Dataset`.
      trivial_name: name of the trivial predictor, see `Dataset`.
      baseline: loss of the trivial predictor on the validation split, or None.
    """
    share = next((name for name in SHARES if any(row.get(name) is not None for row in rows)), None)
    label = style.plain(f"loss: {loss_name}")
    figure, (axes, *beside) = style.panels(1 if share is None else 2, "update", label, columns=2)
    for split in dict.fromkeys(row["split"] for row in rows):
        steps, losses = _column(rows, split, "loss")
        axes.plot(steps, losses, label=split, marker="o" if len(steps) == 1 else None, **SPLITS[split])
    if baseline is not None:
        axes.axhline(baseline, color="0.4", linestyle=":", label=style.plain(f"{trivial_name} (validation)"))
    if min((row["loss"] for row in rows if row.get("loss") is not None), default=1) > 0:
        axes.set_yscale(
            "log"
        )  # the negative log-likelihood of real values may be negative, so then the axis stays linear
    if share is None:
        return style.legend_above(axes)
    _draw_share(beside[0], rows, share)
    return style.legend_below(figure)


def _draw_share(axes, rows, name):
    """Draws a metric between 0 and 1 of each split that reports it."""
    for split in dict.fromkeys(row["split"] for row in rows if row.get(name) is not None):
        steps, values = _column(rows, split, name)
        axes.plot(steps, values, label=split, marker="o" if len(steps) == 1 else None, **SPLITS[split])
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel(SHARES[name])


def gradient_norm(rows, clip_norm):
    """Draws the gradient norm before clipping against the number of updates: mean and maximum per report.

    Args:
      rows: the rows of `metrics.csv`.
      clip_norm: the clipping threshold, or None.
    """
    figure, axes = style.axes("update", "gradient norm before clipping")
    steps, mean = _column(rows, "train", "grad_norm")
    _, maximum = _column(rows, "train", "grad_norm_max")
    marker = "o" if len(steps) == 1 else None
    axes.plot(steps, mean, color=style.BLUE, marker=marker, label="mean per report")
    axes.plot(steps, maximum, color=style.BLUE, marker=marker, linewidth=0.8, linestyle=":", label="maximum per report")
    if clip_norm is not None:
        axes.axhline(clip_norm, color="0.4", linestyle="--", label="clipping threshold")
    axes.set_yscale("log")
    style.legend_above(axes)
    return figure


def _column(rows, split, name):
    rows = [row for row in rows if row["split"] == split and row.get(name) is not None]
    return [row["step"] for row in rows], [row[name] for row in rows]
