"""What clipping does: gradient norms before and after, the share of clipped steps, and whether training succeeds.

Three ways over a range of thresholds: the global norm (Pascanu, Mikolov & Bengio 2013), every component (Mikolov 2012),
and the gradient of the carry inside the backward loop (Graves 2013). All thresholds and networks of a way are one
compiled program.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.cells._transforms import clipped
from jaxrnn.optimizers import Optimizer
from jaxrnn.plotting import style as plotting
from jaxrnn.studies._ensembles import begin, ensembles
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.training.evaluation import mean_loss
from jaxrnn.training.loop import train
from jaxrnn.types import Positive
from jaxrnn.unroll.scan import scan

WAYS = ("norm", "value", "backward loop")


def study(networks, thresholds: list[Positive] = (0.01, 0.1, 1.0, 10.0, 100.0), success: Positive = 0.5):
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
        baseline = _baseline(ensemble.dataset)
        own = {"baseline": np.array(baseline)}
        for way in WAYS:
            own[way] = _train(ensemble, way, grid)
            learned = (own[way]["loss"] < success * baseline).mean(axis=1)
            for place, threshold in enumerate(grid):
                who = {"network": ensemble.name, "way": way, "threshold": float(threshold)}
                medians = {key: float(np.median(values[place])) for key, values in own[way].items()}
                rows.append(who | medians | {"success": float(learned[place])})
            best = int(np.argmax(learned))
            findings.append(
                f"{ensemble.name}, by {way}: {learned[best]:.0%} of runs succeed at {grid[best]:g}, {learned[-1]:.0%} "
                f"without clipping, {np.isinf(own[way]['loss'][-1]).mean():.0%} of which diverge"
            )
        found[ensemble.name] = own
    return Result(found, Table(rows), findings, plot, {"thresholds": grid, "success": np.array(success)})


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
    for _ in train(training, [note]):
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


def plot(result):
    """Success, share of clipped steps and norms before and after clipping, against the threshold."""
    figures = {}
    for name, each in result.networks.items():
        title = "clipping" if len(result.networks) == 1 else f"clipping_{name}"
        figures[title] = _of_network(each, result.common["thresholds"], float(result.common["success"]))
    return figures


def _of_network(each, grid, success):
    figure, panels = plotting.panels(3, "threshold", "")
    finite = np.isfinite(grid)
    for number, way in enumerate(WAYS):
        style = {"color": plotting.COLOURS[number], "linestyle": plotting.STYLES[number]}
        style |= {"marker": "os^"[number], "markersize": 4}
        learned = (each[way]["loss"] < success * each["baseline"]).mean(axis=1)
        panels[0].plot(grid[finite], learned[finite], label=f"by {way}", **style)
        if way != "backward loop":
            panels[1].plot(grid[finite], each[way]["clipped"].mean(axis=1)[finite], **style)
        before, after = (np.median(each[way][key], axis=1)[finite] for key in ("before", "after"))
        panels[2].plot(grid[finite], before, label=f"by {way}: before", **style | {"alpha": 0.4})
        panels[2].plot(grid[finite], after, label=f"by {way}: after", **style)
    panels[0].axhline(learned[-1], color="0.5", linewidth=0.8, label="no clipping")
    titles = ("share of runs that succeed", "share of steps clipped", "median gradient norm")
    for panel, title in zip(panels, titles, strict=True):
        panel.set(xscale="log", title=title)
    panels[0].set_ylim(-0.05, 1.05)
    panels[2].set_yscale("log")
    panels[0].legend(frameon=False, fontsize=7)
    panels[2].legend(frameon=False, fontsize=6)
    return figure
