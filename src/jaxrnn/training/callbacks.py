"""Callbacks: functions of a `Progress`, called at every report of a run.

A callback stops the run by returning a reason (a string):

def stop_when_good(progress):
    if progress.losses["validation"] < 1e-3:
        return "the validation loss is below 0.001"
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jaxrnn.arguments import checked
from jaxrnn.training.history import History
from jaxrnn.training.update import Task
from jaxrnn.types import Params, Size


class Progress(NamedTuple):
    """A run at one of its reports.

    Fields:
      step: number of updates made.
      losses: {"loss", "validation"} of this report; "validation" is missing without a validation split.
      stale: number of reports since the best validation loss.
      history: the `jaxrnn.training.history.History` so far; `history.table` holds its rows.
      params: the params after these updates.
      task: the `Task` of the run.
      seed: the seed of the run.
      folder: the run folder, or None.
    """

    step: int
    losses: dict[str, float]
    stale: int
    history: History
    params: Params
    task: Task
    seed: int
    folder: Path | None


@checked
def early_stopping(patience: Size) -> Callable[..., str | None]:
    """Ends a run after `patience` reports without a better validation loss."""

    def stop(progress):
        if progress.stale >= patience:
            return f"no better validation loss in callbacks.early_stopping.patience={patience} reports"
        return None

    return stop
