"""The course of one run: what its reports say, its best loss, whether it goes on."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxrnn import logging
from jaxrnn.tensorboard import Board


class Digest(NamedTuple):
    """What n updates of a run came to.

    Fields:
      updates: n.
      row: the columns of `metrics.csv`.
      bad: the first of them at which loss, gradient or params were not finite, counted from 0, or None.
    """

    updates: int
    row: dict[str, float]
    bad: int | None


class Course:
    """Takes in the reports of a run one by one and writes them to its `metrics.csv`.

    Args:
      folder: the run folder.
      experiment: the run's `Experiment`, or one that shares its data and its trainer.
      step: updates made, where the run goes on from.
      progress: what `progress` was then; None for the beginning.

    Fields:
      step: updates made.
      progress: {"best_loss", "best_step", "stale", "seconds"}, which a checkpoint holds. Without a validation split the
        last params are the best and the loss stays None.
      losses: {"loss", "validation"} of the last report.
      status, reason: None while the run goes on; then "finished", "stopped", "diverged" or "pruned", and why, in words.
    """

    def __init__(self, folder, experiment, step=0, progress=None):
        self.step, self.losses, self.status, self.reason = step, {}, None, None
        self.progress = progress or {"best_loss": None, "best_step": 0, "stale": 0, "seconds": 0.0}
        self._trainer, self._scored = experiment.trainer, experiment.dataset.correct is not None
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._metrics = logging.Metrics(folder, step)
        self._board = Board(folder, step) if experiment.cfg.get("tensorboard") else None
        self._end_if_done()

    def take(self, digest, validation=None):
        """Takes in n updates.

        Args:
          digest: their `Digest`.
          validation: {"loss", and "correct" where the data say it} after them, or None without a validation split.

        Returns:
          Whether the params after them are the best so far. Where the run diverged among them it is over, and the
          state before them is the last good one.
        """
        n, bad = digest.updates, digest.bad
        self._write(self.step + n, "train", digest.row)
        self.losses = {"loss": digest.row["loss"]}
        if bad is None and validation is not None:
            self._write(self.step + n, "validation", validation)
            self.losses["validation"] = validation["loss"]
            bad = None if math.isfinite(validation["loss"]) else n - 1
        if bad is not None:
            self.end("diverged", f"loss, gradient or params are no longer finite at step {self.step + bad + 1}")
            return False
        self.step += n
        loss, best = self.losses.get("validation"), self.progress["best_loss"]
        better = loss is None or best is None or loss < best
        if better:
            self.progress |= {"best_loss": loss, "best_step": self.step, "stale": 0}
        else:
            self.progress["stale"] += 1
        self._end_if_done()
        return better

    def last_loss(self):
        """The last validation loss, or the training loss without a validation split."""
        return self.losses.get("validation", self.losses.get("loss"))

    def end(self, status, reason):
        """Ends the run."""
        self.status, self.reason = status, reason

    def flush(self):
        """Writes the rows that were taken in."""
        self._metrics.flush()
        if self._board is not None:
            self._board.flush()
            if self.status is not None:
                self._board.close()
                self._board = None

    def _write(self, step, split, row):
        self._metrics.write(step=step, split=split, **row)
        if self._board is not None:
            self._board.write(step, split, row)

    def _end_if_done(self):
        patience = self._trainer.patience
        if patience is not None and self.progress["stale"] >= patience:
            self.end("finished", f"no better validation loss in trainer.patience={patience} reports")
        elif self.step >= self._trainer.steps:
            self.end("finished", None)


def digests(report, experiment):
    """The `Digest`s of many runs.

    Args:
      report: a `Report` with fields [N, n].
      experiment: as in `Course`.
    """
    updates = report.loss.shape[-1]
    columns = {
        "loss": report.loss.mean(axis=-1),
        "grad_norm": report.grad_norm.mean(axis=-1),
        "grad_norm_max": report.grad_norm.max(axis=-1),
        "clipped": report.clipped.mean(axis=-1),
        "update_norm": report.update_norm.mean(axis=-1),
        "param_norm": report.param_norm[..., -1],
    }
    if experiment.dataset.correct is not None:
        columns["correct"] = report.correct.mean(axis=-1)
    finite = np.isfinite(report.loss) & np.isfinite(report.grad_norm) & np.isfinite(report.update_norm)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [
        Digest(updates, dict(zip(columns, row, strict=True)), None if good.all() else int(np.argmin(good)))
        for row, good in zip(rows, finite, strict=True)
    ]
