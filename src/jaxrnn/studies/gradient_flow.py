"""How the gradient fares on its way back: the norm of dL/dcarry_t at every t, and the part of every lag in dL/dW_h.

Hochreiter 1991; Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013. The norm at all steps comes from one
backward pass, as the gradient with respect to zeros that are added to the carry after every step.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.cells._dropout import is_recurrent
from jaxrnn.dynamics import taps
from jaxrnn.losses import weighted_sum
from jaxrnn.studies import _flow_figures as figures
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._layers import label
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.training.probes import Probe
from jaxrnn.types import Batch, Dataset, Net, Pair, Params, Size

FACTOR = 10.0  # from lag 1 to the longest: more is exploding, less than its inverse vanishing


class Flow(NamedTuple):
    """The gradient in one layer, sequence by sequence.

    Fields:
      layer: its name; see `taps.layers`.
      norms: {state: [T, B]}, the norm of dL/dh_t, dL/dc_t ... at lag 0, 1, ... from the last step that counts, or at
        t = 1, 2, ... if every step counts; NaN where a sequence has no such step.
      carry: [T, B], the norm of dL/dz_t, z_t all states of the layer together.
      shares: [T, B], the part <dL/dW_h of this step and sequence, dL/dW_h> / |dL/dW_h|^2 of each use of the layer's
        recurrent weights in the batch's gradient; those of all layers sum to one. In the same order.
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
      loss: "last" for the loss of each sequence's last step that counts, "every" for the mean over all that do; of an
        encoder-decoder always the mean over the answer, and lags are counted from the end of the source.

    Returns:
      [`Flow`, ...], one a layer, each direction of it one.
    """
    steps, end, weights = _asked(batch, loss)
    carry = net.initial(params, batch.fresh.shape)
    given = {"mask": batch.mask, "reset": batch.reset}

    def total(perturbations, params):  # over sequences, so that each has a gradient of its own
        _, ys, _ = taps.observe(net, params, carry, batch.xs, perturbations, **given)
        return weighted_sum(dataset.loss, ys, batch.targets, weights)[0]

    perturbations = taps.zero_perturbations(net, params, carry, batch.xs)
    adjoints, gradient = jax.grad(total, argnums=(0, 1))(perturbations, params)
    recurrent = _recurrent(gradient)
    if isinstance(batch.xs, Pair):
        recurrent = recurrent._replace(decoder=jax.tree.map(jnp.zeros_like, recurrent.decoder))
    shares = taps.shares(net, params, carry, batch.xs, adjoints, recurrent, **given)
    squared = jnp.maximum(sum(jnp.sum(a**2) for a in jax.tree.leaves(recurrent)), jnp.finfo(weights.dtype).tiny)
    found = []
    for (name, *_), adjoint, share in zip(taps.layers(net, params, carry, batch.xs), adjoints, shares, strict=True):
        leaves = [jnp.linalg.norm(a, axis=-1) for a in jax.tree.leaves(adjoint)]
        whole = jnp.linalg.norm(jnp.stack(leaves), axis=0)
        parts = dict(zip(taps.states(adjoint), leaves, strict=True)), whole, share / squared
        found.append(Flow(name, *(_by_lag(parts, end - steps) if loss == "last" else parts)))
    return found


def _asked(batch, loss):
    """(the steps [T, 1] that are read, the last one of each sequence [B], the weights of the loss)."""
    if isinstance(batch.xs, Pair):
        steps = jnp.arange(len(batch.xs.source))[:, None]
        valid = jnp.ones(batch.xs.source.shape[:2], bool) if batch.mask is None else batch.mask
        return steps, jnp.max(jnp.where(valid, steps, 0), axis=0), batch.weights / jnp.sum(batch.weights, axis=0)
    steps = jnp.arange(len(batch.xs))[:, None]
    end = jnp.max(jnp.where(batch.weights > 0, steps, 0), axis=0)
    return steps, end, 1.0 * (steps == end) if loss == "last" else batch.weights / jnp.sum(batch.weights, axis=0)


def _by_lag(tree, at):
    """Arrays [T, B] in the order of lags, `at` the step of every lag, negative where a sequence has none."""
    return jax.tree.map(lambda a: jnp.where(at >= 0, jnp.take_along_axis(a, at, axis=0), jnp.nan), tree)


def study(networks: Any, loss: Literal["last", "every"] = "last", batch: Size = 32) -> Result:
    """Gradient norms against lag, for every kind of network, every layer, and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`.
      loss, batch: as in `measure`; sequences for each network.

    Returns:
      A `Result`; each network has "steps" [S]; "norms" {state: [S, N, T]} and "carry" [S, N, T], the medians over its
      sequences of the norms of dL/dh_t, dL/dc_t ... and of all states together; "share" [S, N, T], the share of each
      lag.
    """
    found, rows, findings, scores = {}, [], [], {}
    for ensemble in ensembles(networks, pairs=True):
        for flow in _flows(ensemble, loss, batch):
            name = label(ensemble, flow.layer)
            own = _of_sequences(flow) | {"steps": ensemble.steps}
            found[name] = own
            rows += _rows(name, own, loss)
            for number, step in enumerate(ensemble.steps):
                if number in ensemble.ends():
                    findings.append(f"{name}, step {step}: {_words(own['carry'][number])}")
            scores[name] = np.array([growth(values)[0] for values in own["carry"][-1]])
    scores = {"nats per step back": scores}
    return Result(
        found, Table(rows), findings, plot, {"loss": np.array(loss)}, captions=figures.CAPTIONS, scores=scores
    )


def _rows(name, own, loss):
    """The table's rows of one layer: the medians over networks with their intervals."""
    for number, step in enumerate(own["steps"]):
        for state, norms in {**own["norms"], "carry": own["carry"]}.items():
            middle, low, high = statistics.median(norms[number])
            who = {"network": name, "step": int(step), "state": state, "networks": norms.shape[1]}
            for place, values in enumerate(zip(middle, low, high, strict=True)):
                yield who | ({"lag": place} if loss == "last" else {"t": place + 1}) | quantiles(values)


def _words(norms):
    """What became of the gradient of N networks, norms [N, T], as text."""
    rates = np.array([growth(values)[0] for values in norms])
    kind = growth(np.median(norms, axis=0))[1]
    middle, low, high = statistics.median(rates)
    spread = f" (median of {len(rates)}, 90 % interval {low:+.4f} to {high:+.4f})" if len(rates) > 1 else ""
    zero = np.median(norms, axis=0)[1:] == 0
    gone = f"; exactly zero from lag {int(np.argmax(zero)) + 1} on" if zero.any() else ""
    return f"the gradient is {kind}, {middle:+.4f} nats per step back{spread}{gone}"


def probe() -> Any:
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


def _recurrent(gradient):
    """The gradient with zeros for all but the recurrent weights, the leaves named w_h."""

    if not any(is_recurrent(path) for path, _ in jax.tree_util.tree_flatten_with_path(gradient)[0]):
        raise ValueError("it needs recurrent weights, a leaf of the params named w_h")
    return jax.tree_util.tree_map_with_path(lambda path, g: g if is_recurrent(path) else jnp.zeros_like(g), gradient)


def growth(norms: Any) -> Any:
    """(rate, kind) of a norm against lag: nats per step back, and "exploding", "vanishing" or "preserved", by whether
    it changes by more than a factor of ten from lag 1, the first step back, to the longest; "zero" where there is
    none."""
    norms = np.asarray(norms)
    seen = np.flatnonzero(np.isfinite(norms[1:]) & (norms[1:] > 0)) + 1
    if len(seen) < 2:
        return 0.0, "zero"
    first, last = norms[seen[0]], norms[seen[-1]]
    change = np.log(last / first)
    kind = "preserved" if abs(change) <= np.log(FACTOR) else "exploding" if change > 0 else "vanishing"
    return float(change / (seen[-1] - seen[0])), kind


def plot(result: Result) -> dict[str, Any]:
    """Norm against lag, before and after training; the share of each lag; and, where training was followed, lag against
    updates: a panel for each network."""
    by_lag = str(result.common.get("loss", "last")) == "last"
    return figures.draw(result.networks, by_lag, growth)
