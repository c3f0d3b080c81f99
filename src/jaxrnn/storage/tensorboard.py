"""Writes the metrics and hyperparameters of a run for TensorBoard; requires the extra [tensorboard]."""

from pathlib import Path
from typing import Any

from jaxrnn.errors import ConfigError

FOLDER = "tensorboard"


class Board:
    """Writer of event files in a run folder.

    Args:
      folder: the run folder.
      step: the step from which the run resumes; TensorBoard then hides events of later steps.

    Raises:
      ConfigError: if tensorboardX is not installed.
    """

    def __init__(self, folder, step=0):
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise ConfigError("tensorboard=true needs tensorboardX: pip install -e '.[tensorboard]'") from error
        self._writer = SummaryWriter(str(Path(folder) / FOLDER), purge_step=step + 1 if step else None)

    def write(self, step, split, row):
        """Adds a row {column: value} of `metrics.csv` for a step and a split, one scalar per column."""
        for name, value in row.items():
            self._writer.add_scalar(f"{name}/{split}", value, step)

    def flush(self):
        self._writer.flush()

    def close(self):
        self._writer.close()


def finish(folder, hyperparameters, metrics):
    """Adds the hyperparameters and the final metrics of a run.

    Args:
      folder: the run folder.
      hyperparameters: {name: value}.
      metrics: {name: float}.
    """
    from tensorboardX import SummaryWriter
    from tensorboardX.summary import hparams

    plain = {name: v if isinstance(v, bool | int | float | str) else str(v) for name, v in hyperparameters.items()}
    # File names hold the time in seconds. Without the suffix, this file would overwrite the metrics of a short run.
    with SummaryWriter(str(Path(folder) / FOLDER), filename_suffix=".hparams") as writer:
        events: Any = writer.file_writer  # None only after close
        for summary in hparams(plain, metrics):
            events.add_summary(summary)
        for name, value in metrics.items():
            writer.add_scalar(name, value)
