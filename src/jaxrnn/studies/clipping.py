"""What clipping does: gradient norms before and after, the share of clipped steps, and whether training succeeds.

Three ways over a range of thresholds: the global norm (Pascanu, Mikolov & Bengio 2013), every component (Mikolov 2012),
and the gradient of the carry inside the backward loop (Graves 2013). All thresholds and networks of a way are one
compiled program.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import config, plotting, population
from jaxrnn.subjects import Result
from jaxrnn.transforms import clipped
from jaxrnn.types import Positive
from jaxrnn.unroll import scan

WAYS = ("norm", "value", "backward loop")


def study(subjects, thresholds: list[Positive] = (0.01, 0.1, 1.0, 10.0, 100.0), success: Positive = 0.5):
    """Trains every kind of network under every threshold, and once without clipping.

    Args:
      subjects: a list of `Subject`s; they say what is trained and with how many seeds, as before training.
      thresholds: of each way.
      success: a run succeeds if the mean loss of its last tenth is below this share of the trivial predictor's.

    Returns:
      A `Result` with, for each way, "NAME|WAY|loss" [thresholds + 1, N], the mean loss of the last tenth of the
      updates, infinite for a run that diverged; "NAME|WAY|before" and "NAME|WAY|after" [thresholds + 1, N], median
      gradient norms before and after the optimizer's clipping; "NAME|WAY|clipped" [thresholds + 1, N], shares of the
      steps before it diverged; the last threshold is infinite. "NAME|baseline" [] is the trivial loss, "thresholds"
      [thresholds + 1].
    """
    grid = np.array([*sorted(thresholds), np.inf])
    arrays, rows, findings = {"thresholds": grid, "success": np.array(success)}, [], []
    for subject in subjects:
        name, split = subject.name, next(iter(subject.experiment.dataset.splits.values()))
        baseline = float(subject.experiment.compiled.trivial(split))
        arrays[f"{name}|baseline"] = np.array(baseline)
        for way in WAYS:
            found = _train(subject, way, grid)
            arrays |= {f"{name}|{way}|{key}": values for key, values in found.items()}
            learned = (found["loss"] < success * baseline).mean(axis=1)
            for place, threshold in enumerate(grid):
                who = {"network": name, "way": way, "threshold": float(threshold)}
                medians = {key: float(np.median(values[place])) for key, values in found.items()}
                rows.append(who | medians | {"success": float(learned[place])})
            best = int(np.argmax(learned))
            findings.append(
                f"{name}, by {way}: {learned[best]:.0%} of runs succeed at {grid[best]:g}, {learned[-1]:.0%} without "
                f"clipping, {np.isinf(found['loss'][-1]).mean():.0%} of which diverge"
            )
    return Result(arrays, rows, findings)


def _train(subject, way, grid):
    experiment, networks = subject.experiment, subject.networks
    trainer, dataset = experiment.trainer, experiment.dataset
    parts = config.build(experiment.cfg.optimizer, _partial_=True)

    def make(threshold):
        limits = {"norm": {"clip_norm": threshold}, "value": {"clip_value": threshold}}.get(way, {})
        options = {**parts.keywords, "clip_norm": None, "clip_value": None, **limits}

        def unroll(cell, params, carry, xs, **given):
            return scan(clipped(cell, threshold), params, carry, xs, **given)

        net = experiment.make_net(unroll) if way == "backward loop" else experiment.net
        return net, dataset, parts.func(**options), trainer

    runs = len(grid) * networks
    program = population.program(make, runs)
    values = jnp.repeat(jnp.asarray(grid, float), networks)
    keys = jnp.tile(population.keys(population.seeds(experiment.cfg.seed, networks)), len(grid))
    states, reports, step = program.init(keys, values), [], 0
    while step < trainer.steps:
        n = min(trainer.report_every, trainer.steps - step)
        states, report = program.advance(states, values, dataset.arrays, np.int32(n))
        reports.append(jax.tree.map(lambda a, n=n: np.asarray(a[:, :n]), report))
        step += n
    whole = jax.tree.map(lambda *a: np.concatenate(a, axis=1).reshape(len(grid), networks, -1), *reports)
    loss = whole.loss[..., -max(trainer.steps // 10, 1) :].mean(axis=-1)
    finite = np.isfinite(whole.grad_norm) & np.isfinite(whole.update_norm)
    return {
        "loss": np.where(np.isfinite(whole.param_norm[..., -1]) & np.isfinite(loss), loss, np.inf),
        "before": np.median(np.where(finite, whole.grad_norm, np.inf), axis=-1),
        "after": np.median(np.where(finite, whole.clipped_norm, np.inf), axis=-1),
        "clipped": np.where(finite, whole.clipped, 0).sum(axis=-1) / np.maximum(finite.sum(axis=-1), 1),
    }


def plot(result):
    """Success, share of clipped steps and norms before and after clipping, against the threshold."""
    arrays = result.arrays
    names = [key.removesuffix("|baseline") for key in arrays if key.endswith("|baseline")]
    figures, grid = {}, arrays["thresholds"]
    finite = np.isfinite(grid)
    for name in names:
        figure, panels = plotting.panels(3, "threshold", "")
        for number, way in enumerate(WAYS):
            style = {
                "color": plotting.COLOURS[number],
                "linestyle": plotting.STYLES[number],
                "marker": "os^"[number],
                "markersize": 4,
            }
            learned = (arrays[f"{name}|{way}|loss"] < arrays["success"] * arrays[f"{name}|baseline"]).mean(axis=1)
            panels[0].plot(grid[finite], learned[finite], label=f"by {way}", **style)
            if way != "backward loop":
                panels[1].plot(grid[finite], arrays[f"{name}|{way}|clipped"].mean(axis=1)[finite], **style)
            before, after = (np.median(arrays[f"{name}|{way}|{key}"], axis=1)[finite] for key in ("before", "after"))
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
        figures["clipping" if len(names) == 1 else f"clipping_{name}"] = figure
    return figures
