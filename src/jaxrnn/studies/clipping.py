"""What clipping does: gradient norms before and after, the share of clipped steps, and whether training succeeds.

Three ways over a range of thresholds: the global norm (Pascanu, Mikolov & Bengio 2013), every component (Mikolov 2012),
and the gradient of the carry inside the backward loop (Graves 2013). All thresholds and networks of a way are one
compiled program.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn import statistics
from jaxrnn.arguments import checked
from jaxrnn.cells._transforms import clipped
from jaxrnn.optimizers import Optimizer
from jaxrnn.plotting import style
from jaxrnn.studies._ensembles import begin, ensembles, watched
from jaxrnn.studies._precision import in_their_precision
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.studies._retraining import trained_anew
from jaxrnn.table import Table
from jaxrnn.training.evaluation import mean_loss
from jaxrnn.types import Positive
from jaxrnn.unroll.scan import scan

WAYS = ("norm", "value", "backward loop")
CAPTIONS = {
    "clipping": "What clipping does, over its threshold, for three ways of clipping. Left: share of networks that "
    "succeed, with 90 % binomial intervals; the dotted line is training without clipping. Middle: mean share of the "
    "updates that were clipped; inside the backward loop nothing counts them. Right: gradient norm after clipping, "
    "and before it as a thin line; medians over updates and networks. A cross at the upper edge: half of the "
    "networks or more diverged.",
}


@checked
@in_their_precision
def study(networks: Any, thresholds: list[Positive] = (0.01, 0.1, 1.0, 10.0, 100.0), success: Positive = 0.5) -> Result:
    """Trains every kind of network under every threshold, and once without clipping.

    Args:
      networks: as in `jaxrnn.studies`; they say what is trained and with how many seeds, as before training.
      thresholds: of each way.
      success: a run succeeds if the mean loss of its last tenth is below this share of the trivial predictor's.

    Returns:
      A `Result`; each network has "baseline" [], the trivial loss, and for each way "loss" [thresholds + 1, N], the
      mean loss of the last tenth of the updates, infinite for a run that diverged; "before" and "after"
      [thresholds + 1, N], median gradient norms before and after the optimizer's clipping; "clipped"
      [thresholds + 1, N], shares of the steps before it diverged. Common are "thresholds" [thresholds + 1], the last
      one infinite, and "success".
    """
    grid = np.array([*sorted(thresholds), np.inf])
    found, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        findings += trained_anew(ensemble)
        baseline = _baseline(ensemble.dataset)
        own = {"baseline": np.array(baseline)}
        for way in WAYS:
            own[way] = _train(ensemble, way, grid)
            learned = (own[way]["loss"] < success * baseline).mean(axis=1)
            for place, threshold in enumerate(grid):
                who = {"network": ensemble.name, "way": way, "threshold": float(threshold)}
                medians = {key: float(np.median(values[place])) for key, values in own[way].items()}
                count = len(own[way]["loss"][place])
                rates = statistics.share(round(learned[place] * count), count)
                rows.append(who | medians | {"networks": count, **quantiles(rates, ("success", "low", "high"))})
            findings.append(f"{ensemble.name}, by {way}: {_words(learned, grid, own[way]['loss'])}")
        found[ensemble.name] = own
    common = {"thresholds": grid, "success": np.array(success)}
    return Result(found, Table(rows), findings, plot, common, captions=_captions(found))


def _captions(found):
    return {title: CAPTIONS["clipping"] for title in map(partial(_title, len(found)), found)}


def _title(networks, name):
    return "clipping" if networks == 1 else f"clipping_{name}"


def _words(learned, grid, losses):
    """Which threshold is best, as text; none where none succeeds."""
    diverged = f"without clipping {learned[-1]:.0%}, and {np.isinf(losses[-1]).mean():.0%} diverge"
    if learned[:-1].max(initial=0) == 0:
        return f"no network succeeds at any threshold; {diverged}"
    best = np.flatnonzero(learned[:-1] == learned[:-1].max())
    where = f"{grid[best[0]]:g}" if len(best) == 1 else f"{grid[best[0]]:g} to {grid[best[-1]]:g}"
    return f"{learned[best[0]]:.0%} succeed at {where}; {diverged}"


def _baseline(dataset):
    """The trivial predictor's mean loss on the first split."""
    split = next(iter(dataset.splits.values()))
    return float(jax.jit(lambda batch: mean_loss(dataset.loss, dataset.trivial(batch), batch))(split))


def _train(ensemble, way, grid):
    """What came of the runs of all thresholds, trained together: {column: [thresholds + 1, N]}."""
    task, networks = ensemble.task, ensemble.networks

    def make(threshold):
        def unroll(cell, params, carry, xs, **given):
            return scan(clipped(cell, threshold), params, carry, xs, **given)

        clip = {"norm": optax.clip_by_global_norm(threshold), "value": optax.clip(threshold)}.get(way, optax.identity())
        net = ensemble.net.unrolled(unroll) if way == "backward loop" else ensemble.net
        return task._replace(net=net, optimizer=Optimizer(optax.chain(clip), task.optimizer.rule))

    values = jnp.repeat(jnp.asarray(grid, float), networks)
    training = begin(task, ensemble.seed, networks, make, values, repeats=len(grid))
    columns, reports = ("loss", "grad_norm", "clipped_norm", "clipped", "update_norm", "param_norm"), []

    def note(training):
        gone = np.ones((training.engine.runs, 1), bool)
        for row, history in enumerate(training.rows):
            gone[row] = history.status == "diverged" and row not in alive
        alive.difference_update(row for row, history in enumerate(training.rows) if history.status == "diverged")
        reports.append({name: np.where(gone, np.nan, getattr(training.report, name)) for name in columns})

    alive = set(range(training.engine.runs))
    for _ in watched(f"{ensemble.name}, by {way}", training, [note]):
        pass
    whole = {name: np.concatenate([report[name] for report in reports], axis=1) for name in columns}
    return _summed_up({name: a.reshape(len(grid), networks, -1) for name, a in whole.items()}, task.trainer.steps)


def _summed_up(whole, steps):
    """The columns of the result from reports [thresholds + 1, N, updates], NaN from where a run diverged on."""
    missing = steps - whole["loss"].shape[-1]  # updates that were not made since every run had diverged
    padded = np.pad(whole["loss"], ((0, 0), (0, 0), (0, missing)), constant_values=np.nan)
    loss = padded[..., -max(steps // 10, 1) :].mean(axis=-1)
    finite = np.isfinite(whole["grad_norm"]) & np.isfinite(whole["update_norm"])
    ended = np.isfinite(whole["param_norm"][..., -1]) & np.isfinite(loss)
    infinite = np.full((*finite.shape[:2], missing), np.inf)
    before, after = (
        np.concatenate([np.where(finite, whole[name], np.inf), infinite], axis=-1)
        for name in ("grad_norm", "clipped_norm")
    )
    return {
        "loss": np.where(ended, loss, np.inf),
        "before": np.median(before, axis=-1),
        "after": np.median(after, axis=-1),
        "clipped": np.where(finite, whole["clipped"], 0).sum(axis=-1) / np.maximum(finite.sum(axis=-1), 1),
    }


def plot(result: Result) -> dict[str, Any]:
    """Success, share of clipped steps and norms before and after clipping, against the threshold."""
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
        rates = [statistics.share(int(k), each[way]["loss"].shape[1])
                 for k in (each[way]["loss"] < success * each["baseline"]).sum(axis=1)]  # fmt: skip
        middle, low, high = np.array(rates).T
        shift = 1.06 ** (number - 1)  # side by side where they are equal
        bars = np.maximum([middle - low, high - middle], 0)[:, finite]
        panels[0].errorbar(grid[finite] * shift, middle[finite], bars, label=f"by {way}", elinewidth=0.8, **line)
        if way != "backward loop":
            panels[1].plot(grid[finite], each[way]["clipped"].mean(axis=1)[finite], **line)
        _norms(panels[2], grid[finite], each[way], finite, line)
    style.log_axis(panels[2], [np.median(each[way][key], axis=1) for way in WAYS for key in ("before", "after")])
    panels[0].axhline(middle[-1], label="no clipping", **style.THEORY)
    titles = ("share of networks that succeed", "share of updates clipped", "gradient norm, thin: before")
    for panel, title in zip(panels, titles, strict=True):
        panel.set_xscale("log")
        style.title(panel, title)
    for panel in panels[:2]:
        panel.set_ylim(-0.05, 1.05)
    figure.suptitle(name)
    style.legend_below(figure)
    return figure


def _norms(panel, grid, values, finite, line):
    """Median norms before and after clipping; a cross at the upper edge where half of the networks diverged."""
    before, after = (np.median(values[key], axis=1)[finite] for key in ("before", "after"))
    panel.plot(grid, np.where(np.isfinite(before), before, np.nan), **line | {"linewidth": 0.7, "marker": None})
    panel.plot(grid, np.where(np.isfinite(after), after, np.nan), **line)
    gone = grid[~np.isfinite(before)]
    if len(gone):
        at_edge = {"transform": panel.get_xaxis_transform(), "clip_on": False}
        panel.plot(gone, np.ones(len(gone)), "x", color=line["color"], **at_edge)
