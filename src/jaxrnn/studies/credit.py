"""Contribution of each input step: gradient of the inputs, integrated gradients, shares of dL/dW.

- The gradient is the change of the loss under a small change of one input.
- Integrated gradients (Sundararajan, Taly & Yan 2017) attribute the loss itself to the inputs, along a path from inputs
  of zero to the true ones.
- The share of a lag in dL/dW tells from which steps a layer learns.
"""

from collections import OrderedDict
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.dynamics import taps
from jaxrnn.losses import weighted_sum
from jaxrnn.norms import norm, unit
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._collect import at_ends, collect, rows_by_lag
from jaxrnn.studies._ensembles import over_networks
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result
from jaxrnn.types import Batch, Dataset, Net, Params, Size

LAG = "lag k (steps back)"
FLOOR = 1e-10  # lower end of the axis: gradient relative to the largest
CAPTIONS = {
    "credit": "Norm of the gradient of the loss at the last step with respect to the input k steps earlier, relative "
    "to its largest value. Each network contributes the median over its sequences; medians over networks with 90 % "
    "bootstrap intervals.",
    "credit_integrated": "Share of the input k steps earlier in the sum of |integrated gradients| (Sundararajan et al. "
    "2017, from inputs of zero): the part of the loss that is attributed to that step. Medians over networks with 90 % "
    "bootstrap intervals.",
    "credit_weights": "Cumulative share of the lags up to k in the gradient of all weights of a layer, dL/dW, after "
    "training; medians over networks with 90 % bootstrap intervals.",
}


def measure(net: Net, dataset: Dataset, params: Params, batch: Batch, points: Any = 32) -> Any:
    """Measures what each step of a batch contributes to the loss of each sequence's last step that counts.

    Args:
      net, dataset, params: the network; its loss is the data set's.
      batch: a `Batch`.
      points: number of points of the Gauss-Legendre rule along the path from inputs of zero.

    Returns:
      (gradient, integrated, [shares, ...]) at lag 0, 1, ... from that step; NaN where a sequence has no such step.

      - gradient [T, B]: |dL/dx_t|.
      - integrated [T, B]: x_t . integral of dL/dx_t. The sum over t is the loss at the inputs minus the loss at inputs
        of zero.
      - shares [T, B], one per layer: the share of each step in <dL/dW, dL/dW>. They sum to one over steps and
        sequences.
    """
    xs: Any = batch.xs  # cut: an array, or the Pair of an encoder-decoder
    steps = jnp.arange(len(xs))[:, None]
    end = jnp.max(jnp.where(batch.weights > 0, steps, 0), axis=0)
    weights = 1.0 * (steps == end)
    carry = net.initial(params, batch.fresh.shape)
    options = {"mask": batch.mask, "reset": batch.reset}

    def total(xs):
        _, ys = net.apply(params, carry, xs, **options)
        return weighted_sum(dataset.loss, ys, batch.targets, weights)[0]

    gradient = jax.grad(total)(xs)
    nodes, rule = np.polynomial.legendre.leggauss(points)
    inside = jax.lax.map(lambda at: jax.grad(total)(at * xs), jnp.asarray((nodes + 1) / 2))
    integrated = jnp.sum(xs * jnp.tensordot(jnp.asarray(rule / 2), inside, 1), axis=-1)

    def observed(perturbations, params):
        _, ys, _ = taps.observe(net, params, net.initial(params, batch.fresh.shape), xs, perturbations, **options)
        return weighted_sum(dataset.loss, ys, batch.targets, weights)[0]

    zeros = taps.zero_perturbations(net, params, carry, xs)
    adjoints, direction = jax.grad(observed, argnums=(0, 1))(zeros, params)
    shares = taps.shares(net, params, carry, xs, adjoints, unit(direction), **options)
    shares = [share / jnp.where(jnp.sum(share) != 0, jnp.sum(share), 1.0) for share in shares]
    by_step = norm(gradient, axis=-1), integrated, shares
    at = end - steps
    return jax.tree.map(lambda a: jnp.where(at >= 0, jnp.take_along_axis(a, at, axis=0), jnp.nan), by_step)


@study_function
def study(networks: Any, batch: Size = 32) -> Result:
    """Contribution of each input step for every kind of network and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`.
      batch: sequences per network.

    Returns:
      A `Result`. Each network has:

      - "steps" [S].
      - "gradient" [S, N, T]: by lag, medians over sequences.
      - "integrated" [S, N, T]: shares of |integrated gradients|, means over sequences.
      - "weights" {layer: [S, N, T]}: the share of each lag in dL/dW.
    """
    measure_kind = partial(_measure_kind, batch=batch)
    return collect(ensembles(networks), measure_kind, _rows, at_ends(_words), _scores, plot, CAPTIONS)


def _measure_kind(ensemble, batch):

    def of_network(params, key):
        drawn = ensemble.draw(batch, key)
        layers = taps.layers(ensemble.net, params, ensemble.net.initial(params, drawn.fresh.shape), drawn.xs)
        gradient, integrated, shares = measure(ensemble.net, ensemble.dataset, params, drawn)
        shares_by_layer = OrderedDict((name, share) for (name, *_), share in zip(layers, shares, strict=True))
        return gradient, integrated, shares_by_layer  # in order: a dict would sort "layer 10" before "layer 2"

    ensemble.draw(batch, jax.random.key(0))  # rejects data that the study cannot use
    gradient, integrated, shares_by_layer = over_networks(of_network, ensemble)
    known = np.isfinite(gradient).all(axis=(0, 1, 3))
    size = np.abs(integrated)
    size = size / np.maximum(np.nansum(size, axis=2, keepdims=True), np.finfo(float).tiny)
    arrays = {
        "steps": ensemble.steps,
        "gradient": np.median(gradient[:, :, known], axis=3),
        "integrated": np.nanmean(size[:, :, known], axis=3),
        "weights": {name: np.nansum(share, axis=3)[:, :, known] for name, share in shares_by_layer.items()},
    }
    return {ensemble.name: arrays}


def _mean_lags(arrays):
    """Returns the mean lag of the integrated gradients [S, N], in steps."""
    return (arrays["integrated"] * np.arange(arrays["integrated"].shape[-1])).sum(-1)


def _scores(arrays):
    return {"mean lag of the integrated gradients": _mean_lags(arrays)[-1]}


def _words(arrays, moment):
    middle = float(np.median(_mean_lags(arrays)[moment]))
    return f"the inputs that make up the loss lie {middle:.3g} steps back on average"


def _rows(arrays):
    of_layers = {f"dL/dW, {layer}": values for layer, values in arrays["weights"].items()}
    for quantity, values in {"gradient": arrays["gradient"], "integrated": arrays["integrated"], **of_layers}.items():
        for moment, step in enumerate(arrays["steps"]):
            row = {"step": int(step), "quantity": quantity, "networks": values.shape[1]}
            yield from rows_by_lag(row, values[moment])


def plot(result: Result) -> dict[str, Any]:
    """Draws the gradient of the inputs, integrated gradients and shares of dL/dW against lag, one panel per network."""

    def relative(each):
        size = each["gradient"].max(-1, keepdims=True)
        return each["gradient"] / np.where(size > 0, size, 1.0)

    integrated = "share of |integrated gradients|"
    return {
        "credit": _by_lag(result, relative, r"$|dL/dx_{T-k}|$ / largest", FLOOR),
        "credit_integrated": _by_lag(result, lambda each: each["integrated"], integrated),
        "credit_weights": _weights(result),
    }


def _by_lag(result, values_of, label, floor=None):
    def curves_of(each):
        return curves.before_and_after(curves.ranks(values_of(each), 0), values_of(each), each["steps"])

    shared = {"sharex": True, "sharey": floor is not None}
    figure, panels, drawn = curves.figure(result.networks, curves_of, LAG, label, result.layout, **shared)
    if floor is not None:
        style.log_axis(panels[0], drawn, floor)
    return style.legend_below(figure)


def _weights(result):
    def curves_of(each):
        for number, (layer, values) in enumerate(each["weights"].items()):
            line = style.series(number) | {"markevery": 0.1}
            yield curves.Curve(curves.ranks(values, 0), np.cumsum(values[-1], axis=-1), layer, layer, line)

    labels = LAG, "share of $dL/dW$ up to here"
    options = {"finish": lambda panel: panel.axhline(1.0, **style.FAINT), "sharey": True}
    return style.legend_below(curves.figure(result.networks, curves_of, *labels, result.layout, **options)[0])
