"""Gradient clipping: gradient norms before and after, the share of clipped steps, and whether training succeeds.

Three ways of clipping are compared over a range of thresholds:

- the global norm of the gradient (Pascanu, Mikolov & Bengio 2013);
- every component of the gradient (Mikolov 2012);
- the gradient of the carry inside the backward loop (Graves 2013).

All thresholds and networks of one way train in one compiled program.
"""

from functools import partial
from typing import Any

import numpy as np
import optax

from jaxrnn import statistics
from jaxrnn.cells.transforms import clipped
from jaxrnn.optimizers import Optimizer
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._ensembles import train_named
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.studies._retraining import retraining_note, trivial_loss
from jaxrnn.table import Table
from jaxrnn.training.ensemble import ensemble_training
from jaxrnn.types import ListOf, Positive
from jaxrnn.unroll.scan import scan

WAYS = ("norm", "value", "backward loop")
CAPTIONS = {
    "clipping": "Three ways of clipping against the threshold. Left: share of networks that succeed, with 90 % "
    "binomial intervals; the dotted line is training without clipping. Middle: mean share of clipped updates; clipping "
    "inside the backward loop is not counted. Right: gradient norm after clipping, and before it as a thin line; "
    "medians over updates and networks. A cross at the upper edge: at least half of the networks diverged.",
}


@study_function
def study(
    networks: Any, thresholds: ListOf[Positive] = (0.01, 0.1, 1.0, 10.0, 100.0), success: Positive = 0.5
) -> Result:
    """Trains every kind of network under every threshold, and once without clipping.

    Args:
      networks: as in `jaxrnn.studies`; they define what is trained, and with how many seeds. Training starts from the
        seeds.
      thresholds: thresholds tried with each way of clipping.
      success: a run succeeds if the mean loss of its last tenth is below this share of the trivial predictor's.

    Returns:
      A `Result`. Each network has "baseline" [], the trivial loss, and per way:

      - "loss" [thresholds + 1, N]: mean loss of the last tenth of the updates; infinite for a run that diverged.
      - "before" and "after" [thresholds + 1, N]: median gradient norms before and after the optimizer's clipping.
      - "clipped" [thresholds + 1, N]: share of clipped updates before the run diverged.

      Common are "thresholds" [thresholds + 1], the last one infinite, and "success".
    """
    grid = np.array([*sorted(thresholds), np.inf])
    arrays_by_network, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        findings += retraining_note(ensemble)
        baseline = trivial_loss(ensemble.dataset)
        arrays: dict[str, Any] = {"baseline": np.array(baseline)}
        for way in WAYS:
            arrays[way] = _train(ensemble, way, grid)
            learned = (arrays[way]["loss"] < success * baseline).mean(axis=1)
            for index, threshold in enumerate(grid):
                keys = {"network": ensemble.name, "way": way, "threshold": float(threshold)}
                medians = {key: float(np.median(values[index])) for key, values in arrays[way].items()}
                count = len(arrays[way]["loss"][index])
                rates = statistics.share(round(learned[index] * count), count)
                rows.append(keys | medians | {"networks": count, **quantiles(rates, ("success", "low", "high"))})
            findings.append(f"{ensemble.name}, by {way}: {_words(learned, grid, arrays[way]['loss'])}")
        arrays_by_network[ensemble.name] = arrays
    common = {"thresholds": grid, "success": np.array(success)}
    return Result(arrays_by_network, Table(rows), findings, plot, common, captions=_captions(arrays_by_network))


def _captions(arrays_by_network):
    return {title: CAPTIONS["clipping"] for title in map(partial(_title, len(arrays_by_network)), arrays_by_network)}


def _title(networks, name):
    return "clipping" if networks == 1 else f"clipping_{name}"


def _words(learned, grid, losses):
    """Describes which thresholds are best, or that no network succeeds."""
    diverged = f"without clipping {learned[-1]:.0%} succeed and {np.isinf(losses[-1]).mean():.0%} diverge"
    if learned[:-1].max(initial=0) == 0:
        return f"no network succeeds at any threshold; {diverged}"
    best = np.flatnonzero(learned[:-1] == learned[:-1].max())
    where = f"{grid[best[0]]:g}" if len(best) == 1 else f"{grid[best[0]]:g} to {grid[best[-1]]:g}"
    return f"{learned[best[0]]:.0%} succeed at {where}; {diverged}"


def _train(ensemble, way, grid):
    """Trains all thresholds of one way together; returns {column: [thresholds + 1, N]}."""
    task, networks = ensemble.task, ensemble.networks

    def make(threshold):
        def unroll(cell, params, carry, xs, **options):
            return scan(clipped(cell, threshold), params, carry, xs, **options)

        clip = {"norm": optax.clip_by_global_norm(threshold), "value": optax.clip(threshold)}.get(way, optax.identity())
        net = ensemble.net.with_unroll(unroll) if way == "backward loop" else ensemble.net
        return task._replace(net=net, optimizer=Optimizer(optax.chain(clip), task.optimizer.rule))

    training = ensemble_training(make, ensemble.seeds, grid)
    columns, reports = ("loss", "grad_norm", "clipped_norm", "clipped", "update_norm", "param_norm"), []

    def record_report(training):
        had_diverged = np.ones((training.engine.runs, 1), bool)
        for row, history in enumerate(training.rows):
            had_diverged[row] = history.status == "diverged" and row not in alive
        alive.difference_update(row for row, history in enumerate(training.rows) if history.status == "diverged")
        reports.append({name: np.where(had_diverged, np.nan, getattr(training.report, name)) for name in columns})

    alive = set(range(training.engine.runs))
    train_named(f"{ensemble.name}, by {way}", training, record_report)
    series = {name: np.concatenate([report[name] for report in reports], axis=1) for name in columns}
    return _summarise({name: a.reshape(len(grid), networks, -1) for name, a in series.items()}, task.trainer.steps)


def _summarise(series, steps):
    """Computes the result's columns from reports [thresholds + 1, N, updates] (NaN after a run diverged)."""
    missing = steps - series["loss"].shape[-1]  # updates left out because every run had diverged
    padded = np.pad(series["loss"], ((0, 0), (0, 0), (0, missing)), constant_values=np.nan)
    loss = padded[..., -max(steps // 10, 1) :].mean(axis=-1)
    finite = np.isfinite(series["grad_norm"]) & np.isfinite(series["update_norm"])
    ended = np.isfinite(series["param_norm"][..., -1]) & np.isfinite(loss)
    infinite = np.full((*finite.shape[:2], missing), np.inf)
    before, after = (
        np.concatenate([np.where(finite, series[name], np.inf), infinite], axis=-1)
        for name in ("grad_norm", "clipped_norm")
    )
    return {
        "loss": np.where(ended, loss, np.inf),
        "before": np.median(before, axis=-1),
        "after": np.median(after, axis=-1),
        "clipped": np.where(finite, series["clipped"], 0).sum(axis=-1) / np.maximum(finite.sum(axis=-1), 1),
    }


def plot(result: Result) -> dict[str, Any]:
    """Draws success, share of clipped steps and norms before and after clipping against the threshold."""
    return {
        _title(len(result.networks), name): _of_network(name, each, result.common)
        for name, each in result.networks.items()
    }


def _of_network(name, each, common):
    figure, panels = style.panels(3, "threshold", "")
    grid, success = common["thresholds"], float(common["success"])
    finite = np.isfinite(grid)
    for number, way in enumerate(WAYS):
        line = style.series(number)
        rates = [
            statistics.share(int(k), each[way]["loss"].shape[1])
            for k in (each[way]["loss"] < success * each["baseline"]).sum(axis=1)
        ]
        shift = 1.06 ** (number - 1)  # so that equal points lie side by side
        curves.with_bars(panels[0], grid[finite] * shift, np.array(rates)[finite], label=f"by {way}", **line)
        if way != "backward loop":
            panels[1].plot(grid[finite], each[way]["clipped"].mean(axis=1)[finite], **line)
        _norms(panels[2], grid[finite], each[way], finite, line)
    style.log_axis(panels[2], [np.median(each[way][key], axis=1) for way in WAYS for key in ("before", "after")])
    panels[0].axhline(rates[-1].middle, label="no clipping", **style.THEORY)
    titles = ("share of networks that succeed", "share of updates clipped", "gradient norm, thin: before")
    for panel, title in zip(panels, titles, strict=True):
        panel.set_xscale("log")
        style.title(panel, title)
    for panel in panels[:2]:
        panel.set_ylim(-0.05, 1.05)
    figure.suptitle(name)
    return style.legend_below(figure)


def _norms(panel, grid, values, finite, line):
    """Draws median norms before and after clipping; a cross at the edge if at least half the networks diverged."""
    before, after = (np.median(values[key], axis=1)[finite] for key in ("before", "after"))
    panel.plot(grid, np.where(np.isfinite(before), before, np.nan), **line | {"linewidth": 0.7, "marker": None})
    panel.plot(grid, np.where(np.isfinite(after), after, np.nan), **line)
    diverged_at = grid[~np.isfinite(before)]
    if len(diverged_at):
        at_edge = {"transform": panel.get_xaxis_transform(), "clip_on": False}
        panel.plot(diverged_at, np.ones(len(diverged_at)), "x", color=line["color"], **at_edge)
