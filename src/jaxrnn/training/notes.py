"""Warnings for a run that learned nothing, or less than its trivial predictor knows."""

STILL = 1e-7  # relative change of a loss that did not move


def notes(history):
    """Sentences about a training that was none.

    Args:
      history: a `Table` with the columns of `metrics.csv`.
    """
    rows, found = history.where(split="train").rows, []
    if rows and rows[-1]["grad_norm"] == 0:
        found.append(
            f"the gradient was exactly zero in the report of step {rows[-1]['step']}: nothing was learned any more"
        )
    losses = [row["loss"] for row in history.where(split="validation").rows or rows if row["loss"] is not None]
    if len(losses) > 1 and max(losses) - min(losses) <= STILL * abs(max(losses)):
        found.append(f"the loss did not move: it was {losses[-1]:.4g} in all {len(losses)} reports")
    return found


def worse_than_trivial(metrics, trivial):
    """A warning for a run whose best params predict worse than the trivial predictor, as a list of sentences.

    Args:
      metrics: {split: {"loss", "baseline", ...}} of the best params; the validation split counts, else the first one.
      trivial: the name of the trivial predictor.
    """
    if not metrics:
        return []
    split = "validation" if "validation" in metrics else next(iter(metrics))
    loss, baseline = metrics[split]["loss"], metrics[split]["baseline"]
    if loss <= baseline:
        return []
    return [
        f"the {split} loss, {loss:.4g}, is worse than that of the trivial predictor ({trivial}), {baseline:.4g}; try "
        "another seed, a smaller optimizer.learning_rate, optimizer.clip_norm=1 or more trainer.steps"
    ]
