"""The runs of a sweep as their folders show them: those that can be read, and why others cannot."""

from pathlib import Path
from typing import Any, NamedTuple

from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments import comparing, saved
from jaxrnn.metrics import cost
from jaxrnn.training import records, summaries


class Found(NamedTuple):
    """A run of a sweep as its folder shows it.

    Fields:
      folder: the run folder.
      leaves: {dotted name: value} of its configuration.
      status: as in `summary.json`; "running" without one, "waiting" before its first report.
      reason: why it ended so, or None.
      value: the metric, or None; of a run without a summary its best so far.
      steps: updates made.
    """

    folder: Path
    leaves: dict[str, Any]
    status: str
    reason: str | None
    value: float | None
    steps: int


def readable(folders):
    """({run folder: (leaves of its configuration, summary or None, rows)}, why others cannot be read)."""
    found, unreadable = {}, []
    for folder in folders:
        try:
            cfg = saved.read(folder)
            if "trainer" not in cfg and (folder / records.FILE).exists():
                raise ConfigError(f"{saved.file(folder)} is damaged: it is not the configuration of a run")
            if "trainer" in cfg and "seed" not in cfg:
                raise ConfigError(f"{saved.file(folder)} is not the configuration of a run: it lacks seed")
            if "trainer" in cfg and not cfg.get("together"):
                content, rows = summaries.read(folder), records.table(folder).rows
                records.check(folder, content and content["rows"])
                found[folder] = (_leaves(folder, cfg, content), content, rows)
        except ConfigError as error:
            unreadable.append(f"cannot be read: {error}")
    return found, unreadable


def _leaves(folder, cfg, content):
    """The configuration of a run as its summary has it, which is checked; else as its file has it."""
    leaves = (content or {}).get("configuration") or comparing.leaves(cfg)
    if "seed" not in leaves:
        raise DamagedError(f"{folder / summaries.FILE} is damaged: configuration.seed: it is missing")
    return leaves


def found(folder, leaves, content, rows, metric, better):
    """The `Found` of a folder, from what `readable` says of it."""
    if content is not None:
        return Found(folder, leaves, content["status"], content["reason"], value(content, metric), content["steps"])
    split, _, column = metric.partition(".")
    values = [row[column] for row in rows if row["split"] == split and row.get(column) is not None]
    best = min(values, key=lambda each: cost(better, each)) if values else None
    steps = rows[-1]["step"] if rows else 0
    return Found(folder, leaves, "running" if rows else "waiting", None, best, steps)


def value(content, metric):
    """A metric as the summary of a run has it, or None."""
    if metric == "generation":
        return content.get("generation", {}).get("mean_squared_error")
    split, _, column = metric.partition(".")
    return (content["metrics"].get(split) or {}).get(column)


def better_of(metric, found):
    """Which way a metric is better, as a run that has ended says."""
    name = metric.partition(".")[2]
    for _, content, _ in found:
        if content and name in content.get("better", {}):
            return content["better"][name]
    return "up" if name == "correct" else "down"


def known(found):
    """The metrics that there are, as the end of a message."""
    contents, names = [content for _, content, _ in found if content is not None], {}
    for content in contents:
        for split, row in content["metrics"].items():
            names |= {f"{split}.{name}": None for name, found in (row or {}).items() if found is not None}
    return f"; there are: {', '.join([*names, 'generation'])}"
