"""What came of a sweep, finished or still running: a table, learning curves, what every factor does, one HTML page."""

import base64
import html
import importlib.resources
import itertools
import shlex
import string
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import LogNorm
from omegaconf import OmegaConf

from jaxrnn import config, logging, plotting
from jaxrnn.config import Refusal

CURVES, PAIRS = 6, 6  # settings with a learning curve, pairs of factors with a plot: the best, the first


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


class Setting(NamedTuple):
    """The runs that differ in their seeds alone.

    Fields:
      factors: {name: value} of what differs between settings.
      runs: a list of `Found`s.
    """

    factors: dict[str, Any]
    runs: list[Found]

    @property
    def values(self):
        """The metric of the runs that have one and did not diverge."""
        return np.array([run.value for run in self.runs if run.value is not None and run.status != "diverged"])

    @property
    def mean(self):
        """Mean over seeds; infinite where no run has a value, so that it comes last."""
        return float(self.values.mean()) if len(self.values) else np.inf


class Sweep(NamedTuple):
    """The runs below a folder, the best setting first.

    Fields:
      folder: where they are.
      metric: "SPLIT.loss", "SPLIT.correct" or "generation".
      factors: {dotted name: what tables call it} of the leaves that differ.
      settings: `Setting`s in order of their means.
    """

    folder: Path
    metric: str
    factors: dict[str, str]
    settings: list[Setting]


def read(folder, metric="validation.loss"):
    """The runs below a folder.

    Args:
      folder: a sweep's folder, or any folder of run folders.
      metric: what runs are compared by: "SPLIT.loss", "SPLIT.correct" or "generation", the mean squared error of what
        was generated.

    Raises:
      Refusal: if there are none, or none has such a metric though some have ended.
    """
    files = sorted(Path(str(folder)).rglob(".hydra/config.yaml"), key=lambda file: _natural(file.parents[1]))
    runs = [_found(file.parents[1], metric) for file in files if _is_run(OmegaConf.load(file))]
    if not runs:
        raise Refusal(f"{folder}: there are no runs below it")
    if all(run.value is None for run in runs) and any(run.status == "finished" for run in runs):
        raise Refusal(f"metric={metric}: no run has it; give SPLIT.loss, SPLIT.correct or generation")
    factors = _factors([run.leaves for run in runs])
    settings = {}
    for run in runs:
        values = {label: _shown(name, run.leaves.get(name, "")) for name, label in factors.items()}
        settings.setdefault(tuple(values.items()), []).append(run)
    found = [Setting(dict(values), members) for values, members in settings.items()]
    return Sweep(Path(str(folder)), metric, factors, sorted(found, key=lambda s: s.mean * _sign(metric)))


def write(sweep):
    """Writes `report/` into the sweep's folder: `settings.csv`, `runs.csv`, `figures/`, `report.html`.

    Returns:
      The text for the terminal.
    """
    folder = sweep.folder / "report"
    folder.mkdir(exist_ok=True)
    tables = {"settings": settings_table(sweep), "runs": runs_table(sweep)}
    for name, rows in tables.items():
        logging.write_table(folder / f"{name}.csv", rows)
    figures = draw(sweep)
    paths = {title: plotting.publish(figure, folder, title) for title, figure in figures.items()}
    (folder / "report.html").write_text(page(sweep, tables, paths))
    return "\n".join([*_lines(sweep, tables["settings"]), f"page: {folder / 'report.html'}"])


def settings_table(sweep):
    """A row a setting, the best first: factors, runs, mean, spread and best of the metric over seeds, statuses."""
    rows = []
    for setting in sweep.settings:
        values = setting.values
        row = {**setting.factors, "runs": len(setting.runs)}
        best = (values.min() if _sign(sweep.metric) > 0 else values.max()) if len(values) else ""
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
    """The best run of the best setting as a command that repeats it, or None while no run has a value."""
    best = sweep.settings[0]
    if not len(best.values):
        return None
    known = [run for run in best.runs if run.value is not None and run.status != "diverged"]
    run = min(known, key=lambda run: run.value * _sign(sweep.metric))
    overrides = OmegaConf.to_container(OmegaConf.load(run.folder / ".hydra" / "overrides.yaml"))
    return shlex.join(["python", "scripts/train.py", *(override.removeprefix("++") for override in overrides)])


def draw(sweep):
    """{title: figure}: learning curves with bands over seeds, every factor alone, pairs of factors."""
    figures = {"learning_curves": learning_curves(sweep)}
    known = [setting for setting in sweep.settings if len(setting.values)]
    if known:
        figures |= {f"factor_{_file(name)}": one_factor(sweep, name) for name in sweep.factors.values()}
        pairs = list(itertools.combinations(sweep.factors.values(), 2))[:PAIRS]
        figures |= {f"factors_{_file(a)}_{_file(b)}": two_factors(sweep, a, b) for a, b in pairs}
    return figures


def learning_curves(sweep):
    """Median over seeds and the range that they span, of the best settings."""
    split = sweep.metric.split(".")[0]
    split = split if split in ("train", "validation") else "validation"
    figure, [axes] = plotting.panels(1, "update", f"{split} loss")
    for number, setting in enumerate(sweep.settings[:CURVES]):
        curves = {}
        for run in setting.runs:
            for row in logging.read(run.folder) if (run.folder / logging.FILE).is_file() else ():
                if row["split"] == split and row["loss"] is not None and np.isfinite(row["loss"]):
                    curves.setdefault(row["step"], []).append(row["loss"])
        steps = sorted(curves)
        style = {"color": plotting.COLOURS[number % 7], "linestyle": plotting.STYLES[number % 4], "linewidth": 1.3}
        label = ", ".join(f"{name} {_number(value)}" for name, value in setting.factors.items()) or "all runs"
        axes.plot(steps, [np.median(curves[step]) for step in steps], label=label, **style)
        low, high = ([pick(curves[step]) for step in steps] for pick in (min, max))
        axes.fill_between(steps, low, high, color=style["color"], alpha=0.15, linewidth=0)
    axes.set_yscale("log")
    title = "median and range over seeds, the best settings first"
    figure.legend(loc="outside lower center", frameon=False, fontsize=7, ncols=2, title=title, title_fontsize=7)
    return figure


def one_factor(sweep, name):
    """The metric of every run against one factor; its median, and the best setting at each value."""
    figure, [axes] = plotting.panels(1, name, sweep.metric)
    values = _ordered({setting.factors[name] for setting in sweep.settings})
    places, numeric = _places(values)
    medians, best = [], []
    for value in values:
        settings = [s for s in sweep.settings if s.factors[name] == value and len(s.values)]
        every = np.concatenate([s.values for s in settings]) if settings else np.array([np.nan])
        medians.append(np.median(every))
        best.append(settings[0].mean if settings else np.nan)
        axes.plot(np.full(len(every), places[value]), every, ".", color="0.6", markersize=4, zorder=1)
    at = [places[value] for value in values]
    line = "-" if numeric else ""
    axes.plot(at, medians, marker="o", linestyle=line, color=plotting.COLOURS[0], label="median of all runs")
    axes.plot(
        at,
        best,
        marker="s",
        linestyle="--" * numeric,
        color=plotting.COLOURS[1],
        label="best setting (mean over seeds)",
    )
    _ticks(axes, values, places, numeric)
    if all(v > 0 for v in (*medians, *best) if np.isfinite(v)) and sweep.metric.split(".")[-1] != "correct":
        axes.set_yscale("log")
    axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    return figure


def two_factors(sweep, first, second):
    """The mean over seeds against two factors, of the best of the others."""
    columns, rows = (_ordered({s.factors[name] for s in sweep.settings}) for name in (first, second))
    grid = np.full((len(rows), len(columns)), np.nan)
    for setting in reversed(sweep.settings):  # the best one is written last
        if len(setting.values):
            grid[rows.index(setting.factors[second]), columns.index(setting.factors[first])] = setting.mean
    figure, [axes] = plotting.panels(1, first, second)
    positive = np.nanmin(grid) > 0 and sweep.metric.split(".")[-1] != "correct"
    image = axes.imshow(grid, cmap="viridis_r", aspect="auto", origin="lower", norm=LogNorm() if positive else None)
    middle = np.sqrt(np.nanmin(grid) * np.nanmax(grid)) if positive else (np.nanmin(grid) + np.nanmax(grid)) / 2
    for (row, column), value in np.ndenumerate(grid):
        if np.isfinite(value):
            colour = "white" if value > middle else "black"
            axes.text(column, row, f"{value:.2g}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(columns)), [_number(value) for value in columns])
    axes.set_yticks(range(len(rows)), [_number(value) for value in rows])
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label=f"{sweep.metric}, mean over seeds")
    if len(sweep.factors) > 2:
        axes.set_title("at the best values of the other factors", fontsize=9)
    return figure


def page(sweep, tables, figures):
    """The whole report as one HTML file that needs no network."""
    template = importlib.resources.files("jaxrnn").joinpath("report.html").read_text()
    repeat = command(sweep)
    return string.Template(template).substitute(
        title=html.escape(f"{sweep.folder}: {sweep.metric}"),
        summary="".join(f"<p>{html.escape(line)}</p>" for line in _counts(sweep)),
        command=f"<pre>{html.escape(repeat)}</pre>" if repeat else "<p>No run has a value yet.</p>",
        settings=_html_table("settings", tables["settings"]),
        runs=_html_table("runs", tables["runs"]),
        figures="".join(
            f'<figure><img alt="{html.escape(title)}" src="data:image/png;base64,'
            f'{base64.b64encode(path.read_bytes()).decode()}"></figure>'
            for title, path in figures.items()
        ),
    )


def _html_table(name, rows):
    head = "".join(f"<th>{html.escape(column)}</th>" for column in rows[0])
    body = "".join(
        "<tr>"
        + "".join(f'<td data-value="{html.escape(str(v))}">{html.escape(_number(v))}</td>' for v in row.values())
        + "</tr>"
        for row in rows
    )
    return f'<table id="{name}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _counts(sweep):
    runs = [run for setting in sweep.settings for run in setting.runs]
    counts = ", ".join(f"{n} {status}" for status, n in Counter(run.status for run in runs).items())
    lines = [f"{len(runs)} runs of {len(sweep.settings)} settings: {counts}"]
    reasons = Counter(run.reason for run in runs if run.status == "failed")
    return lines + [f"failed ({n}): {reason}" for reason, n in reasons.items()]


def _lines(sweep, rows):
    lines = [*_counts(sweep), f"{sweep.metric}, the best settings first:"]
    shown = [{key: _number(value) for key, value in row.items()} for row in rows[:10]]
    widths = {key: max(len(key), *(len(row[key]) for row in shown)) for key in shown[0]}
    lines.append("  ".join(key.rjust(width) for key, width in widths.items()))
    lines += ["  ".join(row[key].rjust(width) for key, width in widths.items()) for row in shown]
    if len(rows) > len(shown):
        lines.append(f"and {len(rows) - len(shown)} more")
    if repeat := command(sweep):
        lines.append(f"the best again: {repeat}")
    return lines


def _is_run(cfg):
    return "trainer" in cfg and not cfg.get("together")


def _found(folder, metric):
    leaves = config.leaves(OmegaConf.load(folder / ".hydra" / "config.yaml"))
    content = logging.read_summary(folder)
    if content is not None:
        return Found(folder, leaves, content["status"], content["reason"], _metric(content, metric), content["steps"])
    rows = logging.read(folder) if (folder / logging.FILE).is_file() else []
    split, _, column = metric.partition(".")
    values = [row[column] for row in rows if row["split"] == split and row.get(column) is not None]
    best = (min if _sign(metric) > 0 else max)(values) if values else None
    steps = rows[-1]["step"] if rows else 0
    return Found(folder, leaves, "running" if rows else "waiting", None, best, steps)


def _metric(content, metric):
    if metric == "generation":
        return content.get("generation", {}).get("mean_squared_error")
    split, _, column = metric.partition(".")
    return (content["metrics"].get(split) or {}).get(column)


def _sign(metric):
    """1 where less is better, -1 where more is."""
    return -1 if metric.endswith(".correct") else 1


def _factors(runs):
    """{dotted name: label} of the leaves that tell runs apart, seeds excepted."""
    kept = [name for name in config.telling(runs) if name != "seed"]
    whole = {name: name.removesuffix("._target_") for name in kept}
    last = Counter(label.split(".")[-1] for label in whole.values())
    return {n: label.split(".")[-1] if last[label.split(".")[-1]] == 1 else label for n, label in whole.items()}


def _shown(name, value):
    """A value as a factor: a factory by its module alone, lists and None as text."""
    value = config.short(name, value)
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else str(value)


def _ordered(values):
    numbers = [value for value in values if isinstance(value, int | float)]
    return sorted(numbers) + sorted(value for value in values if isinstance(value, str))


def _places(values):
    """({value: place on the axis}, whether the places are the numbers themselves)."""
    if all(isinstance(value, int | float) for value in values):
        return {value: value for value in values}, True
    return {value: place for place, value in enumerate(values)}, False


def _ticks(axes, values, places, numeric):
    if numeric and values[0] > 0 and values[-1] / values[0] > 10:
        axes.set_xscale("log")
        axes.minorticks_off()
    if not numeric:
        axes.set_xlim(-0.5, len(values) - 0.5)
    axes.set_xticks([places[value] for value in values], [_number(value) for value in values])


def _number(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _natural(path):
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in path.parts]


def _file(name):
    return name.replace(".", "_")
