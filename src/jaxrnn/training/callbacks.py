"""Callbacks: functions of a `Progress`, called at every report of a run; what one returns, a text, ends the run.

def stop_when_good(progress):
    if progress.losses["validation"] < 1e-3:
        return "the validation loss is below 0.001"
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxrnn.arguments import checked
from jaxrnn.types import Size


class Progress(NamedTuple):
    """A run at one of its reports.

    Fields:
      step: updates made.
      losses: {"loss", "validation"} of this report; "validation" is missing without such a split.
      stale: reports since the best validation loss.
      history: the `jaxrnn.training.history.History` so far; `history.table` are its rows.
      params: the params after these updates.
      task: the `Task` that is trained.
      seed: the run's.
      folder: the run folder, or None.
    """

    step: int
    losses: dict[str, float]
    stale: int
    history: Any
    params: Any
    task: Any
    seed: int
    folder: Any


@checked
def early_stopping(patience: Size) -> Callable[..., str | None]:
    """Ends a run after so many reports without a better validation loss."""

    def stop(progress):
        if progress.stale >= patience:
            return f"no better validation loss in callbacks.early_stopping.patience={patience} reports"
        return None

    return stop
