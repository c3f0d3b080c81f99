"""What came of a sweep, finished or still running: a table, learning curves, what every factor does, one HTML page."""

import shlex
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from jaxrnn import atomic
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, references, saved
from jaxrnn.experiments.conf import compose
from jaxrnn.metrics import cost
from jaxrnn.plotting import style
from jaxrnn.plotting import sweeps as plotting
from jaxrnn.sweeps import figures, reading
from jaxrnn.sweeps.page import page
from jaxrnn.table import Table


class Setting(NamedTuple):
    """The runs that differ in their seeds alone.

    Fields:
      factors: {name: value} of what differs between settings.
      runs: a list of `Found`s.
    """

    factors: dict[str, Any]
    runs: list[reading.Found]

    @property
    def values(self):
        """The metric of the runs that have one and did not diverge."""
        return np.array([run.value for run in self.runs if run.value is not None and run.status != "diverged"])

    @property
    def mean(self):
        """Mean over seeds, NaN where no run has a value."""
        return float(self.values.mean()) if len(self.values) else np.nan

    def ranked(self, better):
        """The place among settings, by the mean and which way is better; one without a value is last."""
        return cost(better, self.mean) if len(self.values) else np.inf


class Sweep(NamedTuple):
    """The runs below a folder, the best setting first.

    Fields:
      folder: where they are.
      metric: "SPLIT.NAME" or "generation".
      better: which way it is better, as in `jaxrnn.metrics`: "down", "up", or a number to be near.
      factors: {dotted name: what tables call it} of the leaves that differ.
      settings: `Setting`s in order of their means.
      unreadable: why a folder's run is not among them, a text each.
    """

    folder: Path
    metric: str
    better: str | float
    factors: dict[str, str]
    settings: list[Setting]
    unreadable: list[str]


def read(folder, metric="validation.loss"):
    """The runs below a folder.

    Args:
      folder: a sweep's folder, or any folder of run folders.
      metric: what runs are compared by: "SPLIT.loss", any other metric of a split such as "test.accuracy", or
        "generation", the mean squared error of what was generated.

    Raises:
      ConfigError: if there are none, or none has such a metric though some have ended.
    """
    files = sorted(Path(str(folder)).rglob(".hydra/config.yaml"), key=lambda file: _natural(file.parents[1]))
    places, unreadable = reading.readable([file.parents[1] for file in files])
    better = reading.better_of(metric, places.values())
    runs = [reading.found(place, *what, metric, better) for place, what in places.items()]
    if not runs:
        raise ConfigError("; ".join([f"{folder}: there are no runs below it", *unreadable]))
    if all(run.value is None for run in runs) and any(run.status == "finished" for run in runs):
        raise ConfigError(f"metric={metric}: no run has it{reading.known(places.values())}")
    factors = _factors([run.leaves for run in runs])
    names = {name: comparing.shown(name, [_plain(run.leaves.get(name, "")) for run in runs]) for name in factors}
    settings = {}
    for run in runs:
        values = {label: names[name][_plain(run.leaves.get(name, ""))] for name, label in factors.items()}
        settings.setdefault(tuple(values.items()), []).append(run)
    found = [Setting(dict(values), members) for values, members in settings.items()]
    return Sweep(Path(str(folder)), metric, better, factors, sorted(found, key=lambda s: s.ranked(better)),
                 unreadable)  # fmt: skip


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
        found = figures.draw(sweep)
    paths = {title: style.publish(figure, folder, title) for title, figure in found.items()}
    text = page(f"{sweep.folder}: {sweep.metric}", _counts(sweep), command(sweep), tables, paths)
    atomic.write(folder / "report.html", text)
    return "\n".join([*_lines(sweep, tables["settings"]), f"page: {folder / 'report.html'}"])


def settings_table(sweep):
    """A row a setting, the best first: factors, runs, mean, spread and best of the metric over seeds, statuses."""
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
    """A row a run: where it is, factors, seed, the metric, status, reason, updates."""
    return [
        {"run": str(run.folder.relative_to(sweep.folder)), **setting.factors, "seed": run.leaves["seed"]}
        | {sweep.metric: "" if run.value is None else run.value, "status": run.status}
        | {"reason": run.reason or "", "steps": run.steps}
        for setting in sweep.settings
        for run in setting.runs
    ]


def command(sweep):
    """The best run of the best setting as a command that repeats it; None while no run has a value, or where its
    overrides do not give its configuration. What the configuration names is not looked up: it may be a stranger's."""
    best = sweep.settings[0]
    if not len(best.values):
        return None
    known = [run for run in best.runs if run.value is not None and run.status != "diverged"]
    run = min(known, key=lambda run: cost(sweep.better, run.value))
    try:
        overrides = saved.overrides(run.folder)
        cfg = compose("train", overrides)
        references.check(OmegaConf.to_container(cfg, resolve=False), run.folder)
    except (ConfigError, HydraException, OmegaConfBaseException):
        return None
    if comparing.leaves(cfg) != run.leaves:
        return None
    return shlex.join(["python", "scripts/train.py", *(override.removeprefix("++") for override in overrides)])


def _counts(sweep):
    runs = [run for setting in sweep.settings for run in setting.runs]
    counts = ", ".join(f"{n} {status}" for status, n in Counter(run.status for run in runs).items())
    lines = [f"{len(runs)} runs of {len(sweep.settings)} settings: {counts}"]
    reasons = Counter(run.reason for run in runs if run.status == "failed")
    return [*lines, *(f"failed ({n}): {reason}" for reason, n in reasons.items()), *sweep.unreadable]


def _lines(sweep, rows):
    lines = [*_counts(sweep), f"{sweep.metric}, the best settings first:"]
    shown = [{key: plotting.number(value) for key, value in row.items()} for row in rows[:10]]
    widths = {key: max(len(key), *(len(row[key]) for row in shown)) for key in shown[0]}
    lines.append("  ".join(key.rjust(width) for key, width in widths.items()))
    lines += ["  ".join(row[key].rjust(width) for key, width in widths.items()) for row in shown]
    if len(rows) > len(shown):
        lines.append(f"and {len(rows) - len(shown)} more")
    if repeat := command(sweep):
        lines.append(f"the best again: {repeat}")
    return lines


def _factors(runs):
    """{dotted name: label} of the leaves that tell runs apart, seeds excepted."""
    kept = [name for name in comparing.telling(runs) if name != "seed"]
    whole = {name: name.removesuffix("._target_") for name in kept}
    last = Counter(label.split(".")[-1] for label in whole.values())
    return {n: label.split(".")[-1] if last[label.split(".")[-1]] == 1 else label for n, label in whole.items()}


def _plain(value):
    """A value as a factor: lists and None as text."""
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else str(value)


def _natural(path):
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in path.parts]
