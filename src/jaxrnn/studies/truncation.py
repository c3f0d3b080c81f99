"""Bias of truncated backpropagation through time: the truncated gradient compared with the full one.

Williams & Peng 1990; Tallec & Ollivier 2017. The gradient is unbiased if cosine and ratio of norms are 1. It is
truncated in two ways; one compiled call measures every k.

- Pieces of k steps, BPTT(k; k), as in stateful training.
- k steps back from every step, BPTT(k; 1).
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree

from jaxrnn import statistics
from jaxrnn.losses import weighted_sum
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._collect import at_step, collect
from jaxrnn.studies._ensembles import over_networks
from jaxrnn.studies._gradients import compare_gradients, loss_of
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.types import Batch, Dataset, ListOf, Net, Params, Size
from jaxrnn.unroll.contract import in_time, segments, step_of

WAYS = {"pieces": "pieces of k steps", "every step": "k steps back from every step"}
QUANTITIES = "cosine with full gradient", "norm / full norm"
CAPTIONS = {
    "truncation": "Truncated gradient of all weights compared with the full one, against the truncation length k: "
    "cosine of the angle between them (above) and ratio of their norms (below). Grey lines: no bias. Medians over "
    "networks with 90 % bootstrap intervals.",
}


def in_pieces(net: Net, dataset: Dataset, params: Params, batch: Batch, ks: Any) -> Any:
    """Compares the gradient cut into pieces of k steps with the full one: (cosine, ratio of norms) [k, 2].

    Args:
      net, params: the network, a `Net` and its params.
      dataset: the data set whose loss is used.
      batch: a `Batch`.
      ks: [k], the values of k.
    """

    def gradient(k):
        return jax.grad(loss_of(net.with_unroll(_cut(k)), dataset, batch))(params)

    full = gradient(len(batch.xs))
    return lax.map(lambda k: compare_gradients(full, gradient(k)), jnp.asarray(ks))


def _cut(k):
    """Returns a scan that treats the carry as a constant at every k-th step; k may be traced."""

    def unroll(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        step = step_of(cell, params, xs)
        inputs = in_time(reverse, (xs, mask, segments(reset, reverse)))

        def cutting(carry, timed_inputs):
            t, inputs = timed_inputs
            fixed = lax.stop_gradient(carry)
            carry = jax.tree.map(lambda a, b: jnp.where((t % k == 0) & (t > 0), b, a), carry, fixed)
            return step(carry, inputs)

        carry, ys = lax.scan(cutting, carry, (jnp.arange(len(xs)), inputs))
        return carry, in_time(reverse, ys)

    return unroll


def from_every_step(net: Net, dataset: Dataset, params: Params, batch: Batch, ks: Any) -> Any:
    """Compares the gradient that goes k steps back from every step with the full one: (cosine, ratio of norms) [k, 2].

    The adjoints of all losses go back one step at a time together. So the gradient of k steps is the gradient of k - 1
    steps plus one more product. Steps are counted over all layers together. The unroll `truncated` counts them in every
    layer separately and therefore lets more of the gradient of several layers through. This function requires a net
    that does not read the future. Arguments as in `in_pieces`.
    """
    carry = net.initial(params, batch.fresh.shape)
    frozen = lax.stop_gradient(params)
    reset = jnp.zeros(batch.weights.shape, bool) if batch.reset is None else batch.reset
    mask = jnp.ones(batch.weights.shape, bool) if batch.mask is None else batch.mask

    def one_step(params, carry, inputs):
        x, valid, restart = inputs
        carry, ys = net.apply(params, carry, x[None], mask=valid[None], reset=restart[None])
        return carry, ys[0]

    _, before = lax.scan(lambda c, x: (one_step(frozen, c, x)[0], c), carry, (batch.xs, mask, reset))

    def all_steps(params, before, carry):  # all steps at once, each from its own carry
        before = jax.tree.map(lambda a, first: a.at[0].set(first), before, carry)
        return jax.vmap(one_step, (None, 0, 0))(params, before, (batch.xs, mask, reset))

    (after, ys), pull = jax.vjp(lambda p, b: all_steps(p, b, net.initial(p, batch.fresh.shape)), params, before)
    total = jnp.maximum(jnp.sum(batch.weights), 1e-30)
    output_adjoints = jax.grad(lambda ys: weighted_sum(dataset.loss, ys, batch.targets, batch.weights)[0] / total)(ys)
    zero_adjoints = jax.tree.map(jnp.zeros_like, after)

    def one_more(state, _):
        adjoint, total_gradient = state
        gradient, carry_adjoints = pull((adjoint, jnp.zeros_like(ys)))
        total_gradient = total_gradient + ravel_pytree(gradient)[0]
        return (_earlier(carry_adjoints), total_gradient), total_gradient

    first, carry_adjoints = pull((zero_adjoints, output_adjoints))
    first = ravel_pytree(first)[0]
    _, later_sums = lax.scan(one_more, (_earlier(carry_adjoints), first), None, length=len(batch.xs) - 1)
    gradients = jnp.concatenate([first[None], later_sums])
    chosen = jnp.minimum(jnp.asarray(ks), len(batch.xs)) - 1
    return jax.vmap(lambda cut: compare_gradients(gradients[-1], cut))(gradients[chosen])


def _earlier(adjoints):
    """Shifts adjoints of the carries before every step [T, ...] to the carries after the previous step."""
    return jax.tree.map(lambda a: jnp.concatenate([a[1:], jnp.zeros_like(a[:1])]), adjoints)


@study_function
def study(networks: Any, lengths: ListOf[Size] = (1, 2, 5, 10, 20, 50, 100), batch: Size = 32) -> Result:
    """Cosine and ratio of norms against k for every kind of network, before and after training.

    Args:
      networks: as in `jaxrnn.studies`.
      lengths: values of k, in steps; values above the length of the sequences are left out.
      batch: sequences per network.

    Returns:
      A `Result`. Each network has "steps" [S], "k" [k], and [S, N, k, 2], cosine and ratio, for "pieces" and, if the
      network does not read the future, for "every step".
    """
    kinds = [ensemble.at(ensemble.ends()) for ensemble in ensembles(networks)]
    measure_kind = partial(_measure_kind, lengths=lengths, batch=batch)
    return collect(kinds, measure_kind, _rows, _findings, _scores, plot, CAPTIONS)


def _scores(arrays):
    return {"cosine of pieces of one step": arrays["pieces"][-1, :, 0, 0]}


def _ways(arrays):
    """Yields (way, step, cosines and ratios [N, k, 2]) of every way and checkpoint."""
    for way in [way for way in WAYS if way in arrays]:
        for step, values in zip(arrays["steps"], arrays[way], strict=True):
            yield way, step, values


def _rows(arrays):
    for way, step, values in _ways(arrays):
        for index, k in enumerate(arrays["k"].tolist()):
            row = {"step": int(step), "cut": way, "k": k, "networks": len(values)}
            row |= quantiles(statistics.median(values[:, index, 0]), ("cosine", "low", "high"))
            yield row | {"ratio": float(np.median(values[:, index, 1]))}


def _findings(name, arrays):
    for way, step, values in _ways(arrays):
        first = arrays["k"][int(np.argmax(np.median(values[..., 0], axis=0) > 0.95))]
        yield f"{name}, {at_step(step)}, {WAYS[way]}: cosine above 0.95 from k = {first} on"


def _measure_kind(ensemble, lengths, batch):
    """Measures cosine and ratio of every network at every checkpoint: {name: {way: [S, N, k, 2]}}."""
    longest = len(ensemble.draw(batch, jax.random.key(0)).xs)
    ks = [k for k in lengths if k < longest] + [longest]
    measures = {"pieces": in_pieces} | ({"every step": from_every_step} if ensemble.net.causal else {})

    def of_network(params, key):
        drawn = ensemble.draw(batch, key)
        return {way: f(ensemble.net, ensemble.dataset, params, drawn, ks) for way, f in measures.items()}

    arrays = {"steps": ensemble.steps, "k": np.array(ks), **over_networks(of_network, ensemble)}
    return {ensemble.name: arrays}


def plot(result: Result) -> dict[str, Any]:
    """Draws cosine (above) and ratio of norms (below), before and after training, one column per network."""
    networks = result.networks
    if result.layout == "curves":
        options = {"finish": _finish, "sharex": True}
        figure, *_ = curves.figure(networks, _all_curves, "k (steps)", "", result.layout, **options)
        return {"truncation": style.legend_below(figure)}
    count = len(networks)
    figure, panels = style.panels(2 * count, "k (steps)", "", columns=count, sharex=True, sharey="row")
    for index, words in enumerate(QUANTITIES):
        for panel, (name, each) in zip(panels[index * count : (index + 1) * count], networks.items(), strict=True):
            if panel.get_subplotspec().is_first_col():
                panel.set_ylabel(words)
            curves.draw_all(panel, _curves_of(each, index))
            _finish(panel)
            if index == 0:
                style.title(panel, name)
    return {"truncation": style.legend_below(figure)}


def _curves_of(each, index):
    for number, way in enumerate(way for way in WAYS if way in each):
        line = {"color": (style.BLUE, style.RED)[number], "marker": "so"[number]}
        yield from curves.before_and_after(each["k"], each[way][..., index], each["steps"], WAYS[way], **line)


def _all_curves(each):
    for index, words in enumerate(QUANTITIES):
        yield from (curve._replace(name=f"{words}, {curve.name}") for curve in _curves_of(each, index))


def _finish(panel):
    panel.axhline(1.0, **style.FAINT)
    panel.set_xscale("log")
    style.plain_log(panel.xaxis)
