"""Report of a sweep, finished or still running: a table, learning curves, a plot per factor, one HTML page."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from jaxrnn import atomic, hints
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, references, saved_config
from jaxrnn.experiments.compose import compose
from jaxrnn.metrics import cost
from jaxrnn.plotting import style
from jaxrnn.plotting import sweeps as plotting
from jaxrnn.sweeps import figures, interactive, reading
from jaxrnn.sweeps.page import page
from jaxrnn.table import Table

ORDER = "by the share of runs that diverged or failed, then by the mean of the others"


class Setting(NamedTuple):
    """Runs that differ only in their seeds.

    Fields:
      factors: {name: value} of the leaves that differ between settings.
      runs: a list of `SweepRun`s.
    """

    factors: dict[str, Any]
    runs: list[reading.SweepRun]

    @property
    def values(self):
        """The metric of the runs that count."""
        return np.array([run.value for run in self.runs if run.counts])

    @property
    def mean(self):
        """Mean over the runs that count; NaN if there is none."""
        return float(self.values.mean()) if len(self.values) else np.nan

    def ranked(self, better):
        """Returns the key that sorts settings, the best first: the share of lost runs, then the mean of the others.

        A setting without a value comes last.
        """
        if not len(self.values):
            return 1.0, np.inf
        return sum(run.is_lost for run in self.runs) / len(self.runs), cost(better, self.mean)


class Sweep(NamedTuple):
    """Runs below a folder, grouped by setting.

    Fields:
      folder: the folder that holds the run folders.
      metric: "SPLIT.NAME" or "generation".
      better: which way it is better, as in `jaxrnn.metrics`: "down", "up", or a target number.
      factors: {dotted name: column name in tables} of the leaves that differ.
      settings: `Setting`s in their order (see `Setting.ranked`), the best first.
      unreadable: one error message per folder that cannot be read.
    """

    folder: Path
    metric: str
    better: str | float
    factors: dict[str, str]
    settings: list[Setting]
    unreadable: list[str]


def read(folder, metric="validation.loss"):
    """Reads the runs below a folder.

    Args:
      folder: a sweep's folder, or any folder of run folders.
      metric: the metric that compares runs: "SPLIT.NAME" such as "validation.loss" or "test.accuracy", or
        "generation", the mean squared error of generated values.

    Raises:
      ConfigError: if the folder holds no run, or some runs are finished and none has this metric.
    """
    contents, unreadable = reading.readable(saved_config.run_folders(folder))
    better = reading.better_of(metric, contents.values())
    runs = [
        reading.run_of(run_folder, *content, metric=metric, better=better) for run_folder, content in contents.items()
    ]
    if not runs:
        raise ConfigError("; ".join([f"{folder}: expected run folders below it, found none", *unreadable]))
    if all(run.value is None for run in runs) and any(run.status == "finished" for run in runs):
        raise ConfigError(f"metric={metric}: no run has this metric{reading.known(contents.values())}")
    factors, rows = comparing.settings([run.leaves for run in runs])
    runs_by_factors = {}
    for run, values in zip(runs, rows, strict=True):
        runs_by_factors.setdefault(tuple(values.items()), []).append(run)
    settings = [Setting(dict(values), members) for values, members in runs_by_factors.items()]
    settings = sorted(settings, key=lambda setting: setting.ranked(better))
    return Sweep(Path(str(folder)), metric, better, factors, settings, unreadable)


def write(sweep):
    """Writes `report/` into the sweep's folder: `settings.csv`, `runs.csv`, `figures/`, `report.html`.

    Returns:
      The text for the terminal.
    """
    folder = sweep.folder / "report"
    folder.mkdir(exist_ok=True)
    tables = {"settings": settings_table(sweep), "runs": runs_table(sweep)}
    for name, rows in tables.items():
        Table(rows).write(folder / f"{name}.csv")
    with style.page():
        figures_by_title = figures.draw(sweep)
    paths = {title: style.publish(figure, folder, title) for title, figure in figures_by_title.items()}
    text = page(
        f"{sweep.folder}: {sweep.metric}",
        [*_counts(sweep), f"The settings are ranked {ORDER}."],
        command(sweep),
        tables,
        paths,
        interactive.section(sweep),
    )
    atomic.write(folder / "report.html", text)
    return "\n".join([*_lines(sweep, tables["settings"]), f"page: {folder / 'report.html'}"])


def settings_table(sweep):
    """Table with one row per setting, the best first.

    Columns: the factors; the number of runs; mean, standard deviation and best value of the metric; the statuses.
    """
    rows = []
    for setting in sweep.settings:
        values = setting.values
        row = {**setting.factors, "runs": len(setting.runs)}
        best = values[np.argmin(cost(sweep.better, values))] if len(values) else ""
        row |= {"mean": setting.mean if len(values) else "", "std": values.std(ddof=1) if len(values) > 1 else ""}
        counts = Counter(run.status for run in setting.runs)
        rows.append(row | {"best": best, "status": ", ".join(f"{n} {status}" for status, n in counts.items())})
    return rows


def runs_table(sweep):
    """Table with one row per run: its folder, factors, seed, metric, status, reason and number of updates."""
    return [
        {"run": str(run.folder.relative_to(sweep.folder)), **setting.factors, "seed": run.leaves["seed"]}
        | {sweep.metric: "" if run.value is None else run.value, "status": run.status}
        | {"reason": run.reason or "", "steps": run.steps}
        for setting in sweep.settings
        for run in setting.runs
    ]


def command(sweep):
    """Returns the command that repeats the best run of the best setting, or None.

    It is None while no run has a value, and if the run's overrides do not lead to its configuration. The objects that
    the configuration names are not imported, because the folder may come from a stranger.
    """
    best = sweep.settings[0]
    if not len(best.values):
        return None
    run = min((run for run in best.runs if run.counts), key=lambda run: cost(sweep.better, run.value))
    try:
        overrides = saved_config.overrides(run.folder)
        cfg = compose("train", overrides)
        references.check(OmegaConf.to_container(cfg, resolve=False), run.folder)
    except (ConfigError, HydraException, OmegaConfBaseException):
        return None
    if comparing.leaves(cfg) != run.leaves:
        return None
    return hints.command("train", [override.removeprefix("++") for override in overrides])


def _counts(sweep):
    runs = [run for setting in sweep.settings for run in setting.runs]
    counts = ", ".join(f"{n} {status}" for status, n in Counter(run.status for run in runs).items())
    lines = [f"{len(runs)} runs of {len(sweep.settings)} settings: {counts}"]
    reasons = Counter(run.reason for run in runs if run.status == "failed")
    return [*lines, *(f"failed ({n}): {reason}" for reason, n in reasons.items()), *sweep.unreadable]


def _lines(sweep, rows):
    lines = [*_counts(sweep), f"{sweep.metric}, the best settings first ({ORDER}):"]
    shown = [{key: plotting.number(value) for key, value in row.items()} for row in rows[:10]]
    widths = {key: max(len(key), *(len(row[key]) for row in shown)) for key in shown[0]}
    lines.append("  ".join(key.rjust(width) for key, width in widths.items()))
    lines += ["  ".join(row[key].rjust(width) for key, width in widths.items()) for row in shown]
    if len(rows) > len(shown):
        lines.append(f"and {len(rows) - len(shown)} more")
    if repeat := command(sweep):
        lines.append(f"repeat the best run: {repeat}")
    return lines
