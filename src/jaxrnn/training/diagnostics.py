"""Warnings for a run that learned nothing, or that is worse than its trivial predictor."""

import statistics

NO_CHANGE = 1e-7  # relative change below which a loss counts as constant
JUMP = 1e6  # times the median update norm, above which an update counts as a jump


def notes(history):
    """Warnings for a run that learned nothing, as a list of sentences.

    Args:
      history: a `Table` with the columns of `metrics.csv`.
    """
    rows, warnings = history.where(split="train").rows, []
    if rows and rows[-1]["grad_norm"] == 0:
        warnings.append(
            f"the gradient was exactly zero in the report of step {rows[-1]['step']}: the network stopped learning"
        )
    losses = [row["loss"] for row in history.where(split="validation").rows or rows if row["loss"] is not None]
    if len(losses) > 1 and max(losses) - min(losses) <= NO_CHANGE * abs(max(losses)):
        warnings.append(f"the loss did not change: it was {losses[-1]:.4g} in all {len(losses)} reports")
    return [*warnings, *_jump(rows)]


def _jump(rows):
    """Warning for an update that moved the params far away from all others, as a list of one sentence or none."""
    sizes = [(row["update_norm"], row["step"]) for row in rows if row.get("update_norm")]
    if not sizes:
        return []
    (largest, step), median = max(sizes), statistics.median(size for size, _ in sizes)
    if largest <= JUMP * median:
        return []
    return [
        f"the gradient exploded: the updates up to step {step} had a norm of {largest:.2g}, {largest / median:.1g} "
        "times the median; try optimizer.clip_norm=1"
    ]


def worse_than_trivial(metrics, trivial):
    """Warning for a run whose best params are worse than the trivial predictor, as a list of one sentence or none.

    Args:
      metrics: {split: {"loss", "baseline", ...}} of the best params. The validation split decides; without one, the
        first split.
      trivial: the name of the trivial predictor.
    """
    if not metrics:
        return []
    split = "validation" if "validation" in metrics else next(iter(metrics))
    loss, baseline = metrics[split]["loss"], metrics[split]["baseline"]
    if loss <= baseline:
        return []
    return [
        f"the {split} loss, {loss:.4g}, is worse than the loss of the trivial predictor ({trivial}), {baseline:.4g}; "
        "try another seed, a smaller optimizer.learning_rate, optimizer.clip_norm=1 or more trainer.steps"
    ]
