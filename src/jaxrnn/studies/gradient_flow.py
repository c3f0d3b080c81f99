"""Norm of the gradient on its way back through time, by lag, and the share of every lag in dL/dW_h.

Hochreiter 1991; Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013. The norms at all lags of one loss come
from one backward pass, as the gradient with respect to zeros that are added to the carry after every step.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.arguments import checked
from jaxrnn.cells._dropout import is_recurrent
from jaxrnn.dynamics import taps
from jaxrnn.losses import weighted_sum
from jaxrnn.norms import norm, smallest, unit
from jaxrnn.studies import _flow_figures as figures
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._layers import label
from jaxrnn.studies._losses_read import by_lag, losses_read, summed_by_lag
from jaxrnn.studies._precision import in_their_precision
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.training.probes import Probe
from jaxrnn.types import Batch, Dataset, Net, Params, Size

FACTOR = 10.0  # from lag 1 to the longest: more is exploding, less than its inverse vanishing


class Flow(NamedTuple):
    """The gradient in one layer. A column R is one loss of one sequence: B columns if one loss per sequence is read.

    Fields:
      layer: its name; see `taps.layers`.
      norms: {state: [T, R]}, the norm of dL/dh_t, dL/dc_t ... at lag 0, 1, ... from the step whose loss is read; NaN
        where a sequence has no such step.
      carry: [T, R], the norm of dL/dz_t, z_t all states of the layer together.
      shares: [T, B], the share of each lag of a sequence in the gradient of the recurrent weights of all layers; those
        of all layers sum to one.
    """

    layer: str
    norms: dict
    carry: Any
    shares: Any


def measure(net: Net, dataset: Dataset, params: Params, batch: Batch, loss: Any = "last") -> Any:
    """The gradient of a batch on its way back through a network, of an encoder-decoder through its encoder.

    Args:
      net: a `Net`.
      dataset: its loss is the loss.
      params: the network's.
      batch: a `Batch`.
      loss: "last" for the loss of each sequence's last step that counts; "every" for the losses of several single steps
        of each sequence, each followed back from its own step; of an encoder-decoder always the mean over the answer,
        and lags are counted from the end of the source.

    Returns:
      [`Flow`, ...], one per layer, and one per direction of it. A backward direction counts lags in its own order.
    """
    carry = net.initial(params, batch.fresh.shape)
    given = {"mask": batch.mask, "reset": batch.reset}
    layers = taps.layers(net, params, carry, batch.xs)
    read = losses_read(batch, loss, two_ways=any(reverse for *_, reverse in layers))

    def losses(perturbations, params):  # summed over sequences, so that each has a gradient of its own
        _, ys, _ = taps.observe(net, params, carry, batch.xs, perturbations, **given)
        return jax.vmap(lambda weights: weighted_sum(dataset.loss, ys, batch.targets, weights)[0])(read.weights)

    perturbations = taps.zero_perturbations(net, params, carry, batch.xs)
    of_each, pull = jax.vjp(losses, perturbations, params)
    adjoints, gradients = jax.vmap(pull)(jnp.eye(len(of_each), dtype=of_each.dtype))
    direction = unit(_recurrent(net, jax.tree.map(lambda g: jnp.sum(g, axis=0), gradients)))
    shares = jax.vmap(lambda a: taps.shares(net, params, carry, batch.xs, a, direction, **given))(adjoints)
    whole = sum(jnp.sum(share) for share in shares)
    found = []
    for (name, *_, reverse), adjoint, share in zip(layers, adjoints, shares, strict=True):
        leaves = [norm(a, axis=-1) for a in jax.tree.leaves(adjoint)]
        norms = [by_lag(a, read, reverse) for a in (*leaves, norm(jnp.stack(leaves), axis=0))]
        share = summed_by_lag(share, read, reverse) / jnp.where(whole != 0, whole, 1.0)
        found.append(Flow(name, dict(zip(taps.states(adjoint), norms, strict=False)), norms[-1], share))
    return found


@checked
@in_their_precision
def study(networks: Any, loss: Literal["last", "every"] = "last", batch: Size = 32) -> Result:
    """Gradient norms against lag, for every kind of network, every layer, and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`.
      loss, batch: as in `measure`; sequences for each network.

    Returns:
      A `Result`; each network has "steps" [S]; "norms" {state: [S, N, T]} and "carry" [S, N, T], the medians over the
      losses of its sequences of the norms of dL/dh_t, dL/dc_t ... and of all states together, by lag; "share" [S, N,
      T], the share of each lag.
    """
    found, rows, findings, scores = {}, [], [], {}
    kinds = ensembles(networks, pairs=True)
    for ensemble in kinds:
        for flow in _flows(ensemble, loss, batch):
            name = label(ensemble, flow.layer)
            own = _of_sequences(flow) | {"steps": ensemble.steps}
            found[name] = own
            rows += _rows(name, own)
            for number, step in enumerate(ensemble.steps):
                if number in ensemble.ends():
                    findings.append(f"{name}, step {step}: {_words(own['carry'][number])}")
            scores[name] = np.array([growth(values)[0] for values in own["carry"][-1]])
    scores = {"nats per step back": scores}
    captions = figures.captions(loss, any(each.net.decoding is not None for each in kinds))
    return Result(found, Table(rows), findings, plot, {"loss": np.array(loss)}, captions=captions, scores=scores)


def _rows(name, own):
    """The table's rows of one layer: the medians over networks with their intervals."""
    for number, step in enumerate(own["steps"]):
        for state, norms in {**own["norms"], "carry": own["carry"]}.items():
            middle, low, high = statistics.median(norms[number])
            who = {"network": name, "step": int(step), "state": state, "networks": norms.shape[1]}
            for lag, values in enumerate(zip(middle, low, high, strict=True)):
                yield who | {"lag": lag} | quantiles(values)


def _words(norms):
    """What became of the gradient of N networks, norms [N, T], as text."""
    together = np.median(norms, axis=0)
    rates = np.array([growth(values)[0] for values in norms])
    rates = rates[np.isfinite(rates)]
    text = f"the gradient is {growth(together)[1]}"
    if len(rates):
        middle, low, high = statistics.median(rates)
        spread = f" (median of {len(rates)}, 90 % interval {low:+.4f} to {high:+.4f})" if len(rates) > 1 else ""
        text += f", {middle:+.4f} nats per step back{spread}"
    below = ~told(together)[1:]
    lag = len(below) - int(np.argmin(below[::-1])) if not below.all() else 0  # after the last that can be told
    return text + (f"; below what {norms.dtype} can tell from lag {lag + 1} on" if lag < len(below) else "")


def probe() -> Probe:
    """What a training run measures at a report: the norms and the shares of every layer, medians over sequences."""

    def of_network(task, params, drawn):
        found = {}
        for flow in measure(task.net, task.dataset, params, drawn):
            norms = {f"{flow.layer}/norms/{state}": jnp.nanmedian(a, axis=1) for state, a in flow.norms.items()}
            found |= norms | {f"{flow.layer}/carry": jnp.nanmedian(flow.carry, axis=1)}
            found[f"{flow.layer}/share"] = jnp.nansum(flow.shares, axis=1)
        return found

    def draw(steps, arrays):
        found = {}
        for key, values in arrays.items():
            layer, what, *state = key.split("/")
            own = found.setdefault(layer, {"steps": steps, "norms": {}})
            (own["norms"] if state else own)[state[0] if state else what] = values[:, None]
        return plot(Result(found, Table([]), [], plot))

    return Probe(of_network, draw)


def _flows(ensemble, loss, batch):
    """The `Flow` of every layer with leaves [S, N, T, B]."""
    ensemble.draw(batch, jax.random.key(0))  # refuses data that cannot be used
    names = []

    def of_network(params, key):
        flows = measure(ensemble.net, ensemble.dataset, params, ensemble.draw(batch, key), loss)
        names[:] = [flow.layer for flow in flows]
        return [tuple(flow[1:]) for flow in flows]

    found = over_networks(of_network, ensemble)
    return [Flow(name, *flow) for name, flow in zip(names, found, strict=True)]


def _of_sequences(flow):
    """Medians over sequences, at the lags that every sequence has, and the sums of their shares."""
    known = np.isfinite(flow.carry).all(axis=(0, 1, 3))
    norms = {state: np.median(values[:, :, known], axis=3) for state, values in flow.norms.items()}
    return {
        "norms": norms,
        "carry": np.median(flow.carry[:, :, known], axis=3),
        "share": np.nansum(flow.shares, axis=3),
    }


def _recurrent(net, gradient):
    """The gradient with zeros for all but the recurrent weights, the leaves named w_h, of an encoder-decoder those of
    its encoder."""
    if not any(is_recurrent(path) for path, _ in jax.tree_util.tree_flatten_with_path(gradient)[0]):
        raise ValueError("it needs recurrent weights, a leaf of the params named w_h")
    found = jax.tree_util.tree_map_with_path(lambda path, g: g if is_recurrent(path) else jnp.zeros_like(g), gradient)
    return found if net.decoding is None else found._replace(decoder=jax.tree.map(jnp.zeros_like, found.decoder))


def growth(norms: Any) -> Any:
    """(rate, kind) of a norm against lag: nats per step back, and "exploding", "vanishing" or "preserved", by whether
    it changes by more than a factor of ten from lag 1, the first step back, to the longest that its format can tell.
    The rate is NaN where fewer than two lags can be told; the kind is then "zero", or "vanishing" if lag 1 can be."""
    norms = np.asarray(norms)
    seen = np.flatnonzero(told(norms)[1:]) + 1
    if len(seen) < 2:
        return np.nan, "vanishing" if seen.tolist() == [1] and len(norms) > 2 else "zero"
    first, last = map(float, norms[seen[[0, -1]]])
    change = np.log(last) - np.log(first)
    kind = "preserved" if abs(change) <= np.log(FACTOR) else "exploding" if change > 0 else "vanishing"
    return float(change / (seen[-1] - seen[0])), kind


def told(norms: Any) -> Any:
    """Where norms are large enough for the floating-point format that they come in, and finite."""
    return np.isfinite(norms) & (norms >= smallest(norms.dtype))


def plot(result: Result) -> dict[str, Any]:
    """Norm against lag, before and after training; the share of each lag; and, where training was followed, lag against
    updates: a panel for each network."""
    return figures.draw(result.networks, growth)
