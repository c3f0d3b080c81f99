"""Reads the runs of a sweep from their folders, and says why a folder cannot be read."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments import comparing, run_folder, saved_config
from jaxrnn.metrics import cost
from jaxrnn.storage import metrics_csv, summaries


class SweepRun(NamedTuple):
    """A run of a sweep, read from its folder.

    Fields:
      folder: the run folder.
      leaves: {dotted name: value} of its configuration.
      status: the status in `summary.json`. Without a summary: "running", or "waiting" before the first report.
      reason: the reason for the status, or None.
      value: the metric, or None; without a summary, the best value so far.
      steps: number of updates made.
      curve: (steps, finite losses) of the split that the learning curves show.
    """

    folder: Path
    leaves: dict[str, Any]
    status: str
    reason: str | None
    value: float | None
    steps: int
    curve: tuple[Sequence[int], Sequence[float]] = ((), ())

    @property
    def counts(self):
        """True if the metric is finite and the run did not diverge."""
        return self.status != "diverged" and self.value is not None and math.isfinite(self.value)

    @property
    def is_lost(self):
        """True if the run has ended without a metric that counts, because it diverged or failed for example."""
        return self.status in (*run_folder.ENDED, "failed") and not self.counts


def readable(folders):
    """Reads run folders: ({run folder: (leaves of its configuration, summary or None, rows)}, list of errors)."""
    contents, unreadable = {}, []
    for folder in folders:
        try:
            cfg = saved_config.read(folder)
            if "trainer" not in cfg and (folder / metrics_csv.FILE).exists():
                raise ConfigError(f"{saved_config.file(folder)} is damaged: trainer is missing")
            if "trainer" in cfg and "seed" not in cfg:
                raise ConfigError(f"{saved_config.file(folder)} is not the configuration of a run: seed is missing")
            if "trainer" in cfg and not cfg.get("together"):
                content, rows = summaries.read(folder), metrics_csv.table(folder).rows
                metrics_csv.check(folder, content and content["rows"])
                contents[folder] = (_leaves(folder, cfg, content), content, rows)
        except ConfigError as error:
            unreadable.append(f"cannot be read: {error}")
    return contents, unreadable


def _leaves(folder, cfg, content):
    """Returns the configuration from the summary of a run, because a digest protects it, or else from its file."""
    leaves = (content or {}).get("configuration") or comparing.leaves(cfg)
    if "seed" not in leaves:
        raise DamagedError(f"{folder / summaries.FILE} is damaged: configuration.seed is missing")
    return leaves


def run_of(folder, leaves, content, rows, metric, better):
    """Builds the `SweepRun` of a folder from its entry (leaves, content, rows) in the result of `readable`.

    `metric` and `better` are as in `jaxrnn.sweeps.report.Sweep`.
    """
    curve = _curve(rows, split_of_curves(metric))
    if content is not None:
        ended = (content["status"], content["reason"], value(content, metric), content["steps"])
        return SweepRun(folder, leaves, *ended, curve)
    split, _, column = metric.partition(".")
    values = [row[column] for row in rows if row["split"] == split and row.get(column) is not None]
    values = [number for number in values if math.isfinite(number)]
    best = min(values, key=lambda number: cost(better, number)) if values else None
    steps = rows[-1]["step"] if rows else 0
    return SweepRun(folder, leaves, "running" if rows else "waiting", None, best, steps, curve)


def split_of_curves(metric):
    """Returns the split whose loss the learning curves show."""
    split = metric.partition(".")[0]
    return split if split in ("train", "validation") else "validation"


def _curve(rows, split):
    """Returns (steps, losses) of a split, without losses that are not finite."""
    points = [(row["step"], row["loss"]) for row in rows if row["split"] == split and row["loss"] is not None]
    finite = [(step, loss) for step, loss in points if math.isfinite(loss)]
    return [step for step, _ in finite], [loss for _, loss in finite]


def value(content, metric):
    """Returns a metric from the summary of a run, or None."""
    if metric == "generation":
        return content.get("generation", {}).get("mean_squared_error")
    split, _, column = metric.partition(".")
    return (content["metrics"].get(split) or {}).get(column)


def better_of(metric, runs):
    """Returns which way a metric is better, from the summary of a run."""
    name = metric.partition(".")[2]
    for _, content, _ in runs:
        if content and name in content.get("better", {}):
            return content["better"][name]
    return "up" if name == "solved" else "down"


def known(runs):
    """Lists the metrics of runs, as the end of a message."""
    contents, names = [content for _, content, _ in runs if content is not None], {}
    for content in contents:
        for split, row in content["metrics"].items():
            names |= {f"{split}.{name}": None for name, value in (row or {}).items() if value is not None}
    return f"; choose one of {', '.join([*names, 'generation'])}"
