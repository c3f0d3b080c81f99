"""The history of one run: what its reports say, its best loss, whether it goes on."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from typing_extensions import TypedDict

from jaxrnn.table import Table
from jaxrnn.training import records
from jaxrnn.training.identity import Settings
from jaxrnn.training.tensorboard import Board
from jaxrnn.training.update import Report


class ReportRow(NamedTuple):
    """What n updates of a run came to.

    Fields:
      updates: n.
      row: the columns of `metrics.csv`.
      bad: the first of them at which loss, clipped gradient or update were not finite, counted from 0, or None.
    """

    updates: int
    row: dict[str, float]
    bad: int | None


class Progress(TypedDict):
    """How far a run is, as its checkpoint holds it; `settings` say which run it is."""

    best_loss: float | None
    best_step: int
    stale: int
    seconds: float
    ended_by: str | None
    settings: Settings


class History:
    """Takes in the reports of a run one by one.

    Args:
      steps: updates after which the run is finished.
      step: updates made, where the run goes on from.
      progress: what `progress` was then; None for the beginning.
      rows: the reports so far, dicts.
      writers: each has `write(step, split, row)`, `flush()` and `close()`, such as `records.Metrics`.
      text: gives what `metrics.csv` holds.

    Fields:
      step: updates made.
      progress: {"best_loss", "best_step", "stale", "seconds", "ended_by"}, which a checkpoint holds. Without a
        validation split the last params are the best and the loss stays None.
      losses: {"loss", "validation"} of the last report.
      status, reason: None while the run goes on; then "finished", "stopped", "diverged" or "pruned", and why, in words.
    """

    def __init__(self, steps, step=0, progress=None, rows=(), writers=(), text=str):
        self.step, self.losses, self.status, self.reason = step, {}, None, None
        self.progress = progress or {"best_loss": None, "best_step": 0, "stale": 0, "seconds": 0.0, "ended_by": None}
        self._steps, self._rows, self._writers, self.text = steps, list(rows), list(writers), text
        if self.progress["ended_by"] is not None:
            self.end("finished", self.progress["ended_by"])
        self._end_if_done()

    @property
    def table(self):
        """The reports so far, a row a report and split."""
        return Table(self._rows)

    def take(self, new, validation=None):
        """Takes in n updates.

        Args:
          new: their `ReportRow`.
          validation: {metric: value} after them, the loss among them, or None without a validation split.

        Returns:
          Whether the params after them are the best so far. Where the run diverged among them it is over, and the
          state before them is the last good one.
        """
        n, bad = new.updates, new.bad
        self._write(self.step + n, "train", new.row)
        self.losses = {"loss": new.row["loss"]}
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

    def end_early(self, reason):
        """Ends the run before its last update, as finished; a run that is resumed stays ended."""
        self.progress["ended_by"] = reason
        self.end("finished", reason)

    def flush(self):
        """Has the writers write what was taken in, and closes them once the run has ended."""
        for writer in self._writers:
            writer.flush()
            if self.status is not None:
                writer.close()
        if self.status is not None:
            self._writers = []

    def _write(self, step, split, row):
        self._rows.append({"step": step, "split": split, **row})
        for writer in self._writers:
            writer.write(step, split, row)

    def _end_if_done(self):
        if self.status is None and self.step >= self._steps:
            self.end("finished", None)


def in_folder(folder, trainer, metrics=(), tensorboard=False, step=0, progress=None, saved=""):
    """The `History` of a run that writes `metrics.csv`, and TensorBoard's files where they are asked for.

    Args:
      folder: the run folder; it is made if it does not exist.
      trainer: the run's `Trainer`.
      metrics: names of the metrics that are reported beside the loss.
      tensorboard: whether to write for TensorBoard.
      step, progress: as in `History`.
      saved: the text of `metrics.csv` in the checkpoint that the run goes on from.

    Raises:
      ConfigError: if TensorBoard's writer is not installed.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    file = records.Metrics(folder, step, metrics, saved)
    writers = [file, Board(folder, step)] if tensorboard else [file]
    return History(trainer.steps, step, progress, file.rows, writers, file.text)


def report_rows(report, scored):
    """The `ReportRow`s of N runs; updates of which no step counts have a gradient, but no loss.

    Args:
      report: a `Report` with fields [N, n].
      scored: whether the data say which sequences are right.
    """
    updates = report.loss.shape[-1]
    report = Report(*(np.asarray(column, float) for column in report))  # a sum in float32 overflows early
    counted = report.counted.sum(axis=-1)

    def of_counted(column):
        total = np.where(report.counted > 0, column, 0).sum(axis=-1)
        return np.where(counted > 0, total / np.maximum(counted, 1), np.nan)

    columns = {
        "loss": of_counted(report.loss),
        "grad_norm": report.grad_norm.mean(axis=-1),
        "grad_norm_max": report.grad_norm.max(axis=-1),
        "clipped": report.clipped.mean(axis=-1),
        "update_norm": report.update_norm.mean(axis=-1),
        "param_norm": report.param_norm[..., -1],
    }
    if scored:
        columns["correct"] = of_counted(report.correct)
    finite = np.isfinite(report.loss) & np.isfinite(report.clipped_norm) & np.isfinite(report.update_norm)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [
        ReportRow(updates, dict(zip(columns, row, strict=True)), None if good.all() else int(np.argmin(good)))
        for row, good in zip(rows, finite, strict=True)
    ]
