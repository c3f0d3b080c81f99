"""History of one run: its reports, its best loss, and whether it has ended."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxrnn.table import Table
from jaxrnn.training.update import Report

COLUMNS = ("step", "split", "loss", "grad_norm", "grad_norm_max", "clipped", "update_norm", "param_norm", "solved")


class ReportRow(NamedTuple):
    """One report of a run, over n updates.

    Fields:
      updates: n.
      row: {name in `COLUMNS`: value}.
      bad: index of the first update whose loss, clipped gradient or change was not finite, or None.
    """

    updates: int
    row: dict[str, float]
    bad: int | None


class History:
    """Collects the reports of one run.

    Args:
      steps: number of updates after which the run is finished.
      step: number of updates made before; 0 for a new run.
      progress: the field `progress` at that step; None for a new run.
      rows: the reports so far, dicts.
      writers: objects with `write(step, split, row)`, `flush()` and `close()`, such as the one of `metrics.csv`.
      text: function that returns the content of `metrics.csv`.
      member: the `jaxrnn.training.store.Member` whose history it is; None if nothing of the run is saved or called.

    Fields:
      member: as above.
      step: number of updates made.
      progress: {"best_loss", "best_step", "stale", "seconds", "ended_by"}, stored in checkpoints. Without a validation
        split the last params are the best ones and the best loss stays None.
      losses: {"loss", "validation"} of the last report.
      status, reason: "finished", "stopped", "diverged" or "pruned", and the reason; None until the run has ended.
    """

    def __init__(self, steps, step=0, progress=None, rows=(), writers=(), text: Callable[[], str] = str, member=None):
        self.member = member
        self.step, self.losses, self.status, self.reason = step, {}, None, None
        self.progress = progress or {"best_loss": None, "best_step": 0, "stale": 0, "seconds": 0.0, "ended_by": None}
        self._steps, self._rows, self._writers, self.text = steps, list(rows), list(writers), text
        if self.progress["ended_by"] is not None:
            self.end("finished", self.progress["ended_by"])
        self._end_if_done()

    @property
    def table(self):
        """The reports so far, one row per report and split."""
        return Table(self._rows)

    def take(self, report, validation=None):
        """Adds the report of n updates.

        Args:
          report: their `ReportRow`.
          validation: {metric: value} after these updates, with the loss; None without a validation split.

        Returns:
          True if the params after these updates are the best so far. If the run diverged in these updates, it ends,
          and the state before them is its last valid one.
        """
        n, bad = report.updates, report.bad
        self._write(self.step + n, "train", report.row)
        self.losses = {"loss": report.row["loss"]}
        if bad is None and validation is not None:
            self._write(self.step + n, "validation", validation)
            self.losses["validation"] = validation["loss"]
            bad = None if math.isfinite(validation["loss"]) else n - 1
        if bad is not None:
            self.end("diverged", f"loss, gradient or params are no longer finite at step {self.step + bad + 1}")
            return False
        self.step += n
        loss, best = self.losses.get("validation"), self.progress["best_loss"]
        is_best = loss is None or best is None or loss < best
        if is_best:
            self.progress |= {"best_loss": loss, "best_step": self.step, "stale": 0}
        else:
            self.progress["stale"] += 1
        self._end_if_done()
        return is_best

    def last_loss(self):
        """Returns the last validation loss; the last training loss without a validation split."""
        return self.losses.get("validation", self.losses.get("loss"))

    def end(self, status, reason):
        """Ends the run."""
        self.status, self.reason = status, reason

    def end_early(self, reason):
        """Ends the run before its last update, as finished. Resuming it later does not restart it."""
        self.progress["ended_by"] = reason
        self.end("finished", reason)

    def flush(self):
        """Writes the new reports to disk, and closes the writers once the run has ended."""
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


def report_rows(report, scored):
    """Averages a report over its n updates, as one `ReportRow` per run.

    Updates in which no step counts are part of the means of the norms, but not of the mean of the loss.

    Args:
      report: a `Report` with fields [N, n].
      scored: whether the data set defines which sequences are solved.
    """
    updates = report.loss.shape[-1]
    report = Report(*(np.asarray(column, float) for column in report))  # in float32 the sums overflow early
    counted = report.counted.sum(axis=-1)

    def mean_of_counted(column):
        total = np.where(report.counted > 0, column, 0).sum(axis=-1)
        return np.where(counted > 0, total / np.maximum(counted, 1), np.nan)

    columns = {
        "loss": mean_of_counted(report.loss),
        "grad_norm": report.grad_norm.mean(axis=-1),
        "grad_norm_max": report.grad_norm.max(axis=-1),
        "clipped": report.clipped.mean(axis=-1),
        "update_norm": report.update_norm.mean(axis=-1),
        "param_norm": report.param_norm[..., -1],
    }
    if scored:
        columns["solved"] = mean_of_counted(report.solved)
    finite = np.isfinite(report.loss) & np.isfinite(report.clipped_norm) & np.isfinite(report.update_norm)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [
        ReportRow(updates, dict(zip(columns, row, strict=True)), None if is_good.all() else int(np.argmin(is_good)))
        for row, is_good in zip(rows, finite, strict=True)
    ]
