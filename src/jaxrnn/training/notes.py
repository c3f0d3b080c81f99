"""What the reader of a run should know of its training: that nothing was learned, say."""

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
