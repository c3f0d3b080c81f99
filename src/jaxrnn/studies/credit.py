"""What each input step contributes: the gradient with respect to the inputs, integrated gradients, shares of dL/dW.

The gradient says how the loss answers to a small change of one input; integrated gradients (Sundararajan, Taly & Yan
2017) share out the loss itself, from inputs of zero to the true ones; the share of a lag in dL/dW says from which
steps a layer learns.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.arguments import checked
from jaxrnn.dynamics import taps
from jaxrnn.losses import weighted_sum
from jaxrnn.norms import norm, unit
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._precision import in_their_precision
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.types import Batch, Dataset, Net, Params, Size

FLOOR = 1e-10  # of a gradient, relative to the largest
CAPTIONS = {
    "credit": "Norm of the gradient of the loss at the last step with respect to the input k steps earlier, relative "
    "to its largest value; medians over networks, each the median over its sequences, with 90 % bootstrap intervals.",
    "credit_integrated": "Share of the input k steps earlier in the sum of |integrated gradients| (Sundararajan et "
    "al. 2017, from inputs of zero): what the loss owes to each step; medians over networks with 90 % bootstrap "
    "intervals.",
    "credit_weights": "Share of the lags up to k in the gradient of all weights of a layer, dL/dW, summed up; "
    "medians over networks after training with 90 % bootstrap intervals.",
}


def measure(net: Net, dataset: Dataset, params: Params, batch: Batch, points: Any = 32) -> Any:
    """What the steps of a batch contribute to the loss of each sequence's last step that counts.

    Args:
      net, dataset, params: the network; the data set's loss is the loss.
      batch: a `Batch`.
      points: of the Gauss-Legendre rule along the path from inputs of zero.

    Returns:
      (gradient [T, B], |dL/dx_t|; integrated [T, B], x_t . integral of dL/dx_t, whose sum over t is the loss at the
      inputs minus the loss at inputs of zero; [shares [T, B], ...], one a layer, of each step in <dL/dW, dL/dW>, all of
      which sum to one over steps and sequences), at lag 0, 1, ... from that step; NaN where a sequence has no such
      step.
    """
    steps = jnp.arange(len(batch.xs))[:, None]
    end = jnp.max(jnp.where(batch.weights > 0, steps, 0), axis=0)
    weights = 1.0 * (steps == end)
    carry = net.initial(params, batch.fresh.shape)
    given = {"mask": batch.mask, "reset": batch.reset}

    def total(xs):
        _, ys = net.apply(params, carry, xs, **given)
        return weighted_sum(dataset.loss, ys, batch.targets, weights)[0]

    gradient = jax.grad(total)(batch.xs)
    nodes, rule = np.polynomial.legendre.leggauss(points)
    inside = jax.lax.map(lambda at: jax.grad(total)(at * batch.xs), jnp.asarray((nodes + 1) / 2))
    integrated = jnp.sum(batch.xs * jnp.tensordot(jnp.asarray(rule / 2), inside, 1), axis=-1)

    def observed(perturbations, params):
        _, ys, _ = taps.observe(net, params, net.initial(params, batch.fresh.shape), batch.xs, perturbations, **given)
        return weighted_sum(dataset.loss, ys, batch.targets, weights)[0]

    zeros = taps.zero_perturbations(net, params, carry, batch.xs)
    adjoints, direction = jax.grad(observed, argnums=(0, 1))(zeros, params)
    shares = taps.shares(net, params, carry, batch.xs, adjoints, unit(direction), **given)
    shares = [share / jnp.where(jnp.sum(share) != 0, jnp.sum(share), 1.0) for share in shares]
    found = norm(gradient, axis=-1), integrated, shares
    at = end - steps
    return jax.tree.map(lambda a: jnp.where(at >= 0, jnp.take_along_axis(a, at, axis=0), jnp.nan), found)


@checked
@in_their_precision
def study(networks: Any, batch: Size = 32) -> Result:
    """What each input step contributes, for every kind of network and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`.
      batch: sequences for each network.

    Returns:
      A `Result`; each network has "steps" [S]; "gradient" [S, N, T] by lag, medians over sequences; "integrated"
      [S, N, T], shares of |integrated gradients|, means over sequences; "weights" {layer: [S, N, T]}, the share
      of each lag in dL/dW.
    """
    found, rows, findings, scores = {}, [], [], {}
    for ensemble in ensembles(networks):
        own = found[ensemble.name] = {"steps": ensemble.steps, **_measured(ensemble, batch)}
        rows += _rows(ensemble.name, own)
        center = (own["integrated"] * np.arange(own["integrated"].shape[-1])).sum(-1)
        scores[ensemble.name] = center[-1]
        for moment in ensemble.ends():
            middle = float(np.median(center[moment]))
            findings.append(
                f"{ensemble.name}, step {ensemble.steps[moment]}: what the loss owes to the inputs lies {middle:.3g} "
                f"steps "
                "back on average"
            )
    scores = {"mean lag of the integrated gradients": scores}
    return Result(found, Table(rows), findings, plot, captions=CAPTIONS, scores=scores)


def _measured(ensemble, batch):
    names = []

    def of_network(params, key):
        drawn = ensemble.draw(batch, key)
        carry = ensemble.net.initial(params, drawn.fresh.shape)
        names[:] = [name for name, *_ in taps.layers(ensemble.net, params, carry, drawn.xs)]
        return measure(ensemble.net, ensemble.dataset, params, drawn)

    ensemble.draw(batch, jax.random.key(0))  # refuses data that cannot be used
    gradient, integrated, shares = over_networks(of_network, ensemble)
    known = np.isfinite(gradient).all(axis=(0, 1, 3))
    size = np.abs(integrated)
    size = size / np.maximum(np.nansum(size, axis=2, keepdims=True), np.finfo(float).tiny)
    return {
        "gradient": np.median(gradient[:, :, known], axis=3),
        "integrated": np.nanmean(size[:, :, known], axis=3),
        "weights": {name: np.nansum(share, axis=3)[:, :, known] for name, share in zip(names, shares, strict=True)},
    }


def _rows(name, own):
    of_layers = {f"dL/dW, {layer}": values for layer, values in own["weights"].items()}
    for what, values in {"gradient": own["gradient"], "integrated": own["integrated"], **of_layers}.items():
        for moment, step in enumerate(own["steps"]):
            row = {"network": name, "step": int(step), "what": what, "networks": values.shape[1]}
            for lag, interval in enumerate(zip(*statistics.median(values[moment]), strict=True)):
                yield row | {"lag": lag} | quantiles(interval)


def plot(result: Result) -> dict[str, Any]:
    """The gradient of the inputs, integrated gradients and shares of dL/dW against lag, a panel for each network."""
    found = result.networks
    largest = {name: each["gradient"].max(-1, keepdims=True) for name, each in found.items()}
    relative = {name: found[name]["gradient"] / np.where(size > 0, size, 1.0) for name, size in largest.items()}
    label = r"$|dL/dx_{T-k}|$ / largest"
    return {
        "credit": _by_lag(found, relative, label, FLOOR),
        "credit_integrated": _by_lag(found, {name: each["integrated"] for name, each in found.items()},
                                     "share of |integrated gradients|"),
        "credit_weights": _weights(found),
    }  # fmt: skip


def _by_lag(found, values, label, floor=None):
    figure, panels = style.panels(len(found), "lag k (steps back)", label, sharex=True, sharey=floor is not None)
    shown = []
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        shown += curves.before_and_after(panel, curves.ranks(values[name], 0), values[name], each["steps"])
        style.title(panel, name)
    if floor is not None:
        style.log_axis(panels[0], shown, floor)
    style.legend_below(figure)
    return figure


def _weights(found):
    figure, panels = style.panels(len(found), "lag k (steps back)", "share of $dL/dW$ up to here", sharey=True)
    for panel, (name, each) in zip(panels, found.items(), strict=True):
        for number, (layer, values) in enumerate(each["weights"].items()):
            line = style.series(number) | {"markevery": 0.1, "label": layer}
            curves.banded(panel, curves.ranks(values, 0), np.cumsum(values[-1], axis=-1), **line)
        panel.axhline(1.0, **style.FAINT)
        style.title(panel, name)
    style.legend_below(figure)
    return figure
