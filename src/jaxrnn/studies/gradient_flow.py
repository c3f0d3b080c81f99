"""Norm of the gradient on its way back through time, by lag, and the share of each lag in dL/dW_h.

Hochreiter 1991; Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013. One backward pass gives the norms of
one loss at all lags: they are the gradients with respect to zeros that are added to the carry after every step.
"""

from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.dynamics import taps
from jaxrnn.losses import weighted_sum
from jaxrnn.norms import norm, smallest, unit
from jaxrnn.recurrent_weights import map_recurrent
from jaxrnn.studies import _flow_figures as figures
from jaxrnn.studies._collect import at_ends, collect, layers_probe, rows_by_lag
from jaxrnn.studies._layers import over_layers
from jaxrnn.studies._losses_read import by_lag, losses_read, summed_by_lag
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result
from jaxrnn.training.probes import Probe
from jaxrnn.types import Batch, Dataset, Net, Params, Size

FACTOR = 10.0  # change from lag 1 to the longest lag: above it exploding, below its inverse vanishing


class Flow(NamedTuple):
    """Gradient in one layer. One of the R columns is one loss of one sequence: B columns if one loss per sequence is
    read.

    Fields:
      layer: name of the layer; see `taps.layers`.
      norms: {state: [T, R]}, the norm of dL/dh_t, dL/dc_t ... at lag 0, 1, ... from the step whose loss is read; NaN
        where a sequence has no such step.
      carry: [T, R], the norm of dL/dz_t, where z_t is all states of the layer together.
      shares: [T, B], the share of each lag of a sequence in the gradient of the recurrent weights of all layers; the
        shares of all layers sum to one.
    """

    layer: str
    norms: dict
    carry: Any
    shares: Any


def measure(net: Net, dataset: Dataset, params: Params, batch: Batch, loss: Any = "last") -> Any:
    """Measures the gradient of a batch on its way back through a network (through the encoder of an encoder-decoder).

    Args:
      net: a `Net`.
      dataset: data set whose loss is used.
      params: the network's params.
      batch: a `Batch`.
      loss: "last" for the loss of each sequence's last step that counts; "all" for the losses of several single steps
        of each sequence, each followed back from its own step. An encoder-decoder always uses the mean over the answer,
        and its lags are counted from the end of the source.

    Returns:
      [`Flow`, ...], one per layer and direction. A backward direction counts lags in its own order.
    """
    xs: Any = batch.xs  # cut: an array, or the Pair of an encoder-decoder
    carry = net.initial(params, batch.fresh.shape)
    options = {"mask": batch.mask, "reset": batch.reset}
    layers = taps.layers(net, params, carry, xs)
    losses_of_batch = losses_read(batch, loss, two_ways=any(reverse for *_, reverse in layers))

    def losses(perturbations, params):  # summed over sequences: each sequence still has its own gradient
        _, ys, _ = taps.observe(net, params, carry, xs, perturbations, **options)
        return jax.vmap(lambda weights: weighted_sum(dataset.loss, ys, batch.targets, weights)[0])(
            losses_of_batch.weights
        )

    perturbations = taps.zero_perturbations(net, params, carry, xs)
    of_each, pull = jax.vjp(losses, perturbations, params)
    adjoints, gradients = jax.vmap(pull)(jnp.eye(len(of_each), dtype=of_each.dtype))
    direction = unit(_recurrent(net, jax.tree.map(lambda g: jnp.sum(g, axis=0), gradients)))
    shares = jax.vmap(lambda a: taps.shares(net, params, carry, xs, a, direction, **options))(adjoints)
    total_share = sum(jnp.sum(share) for share in shares)
    flows = []
    for (name, *_, reverse), adjoint, share in zip(layers, adjoints, shares, strict=True):
        leaves = [norm(a, axis=-1) for a in jax.tree.leaves(adjoint)]
        norms = [by_lag(a, losses_of_batch, reverse) for a in (*leaves, norm(jnp.stack(leaves), axis=0))]
        share = summed_by_lag(share, losses_of_batch, reverse) / jnp.where(total_share != 0, total_share, 1.0)
        flows.append(Flow(name, dict(zip(taps.states(adjoint), norms, strict=False)), norms[-1], share))
    return flows


@study_function
def study(networks: Any, loss: Literal["last", "all"] = "last", batch: Size = 32) -> Result:
    """Gradient norms against lag for every kind of network, every layer, and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`.
      loss: as in `measure`.
      batch: sequences per network.

    Returns:
      A `Result`. Each network has:

      - "steps" [S].
      - "norms" {state: [S, N, T]}: norms of dL/dh_t, dL/dc_t ... by lag, medians over the losses of the sequences.
      - "carry" [S, N, T]: the same for all states together.
      - "share" [S, N, T]: the share of each lag.
    """
    kinds = ensembles(networks, pairs=True)
    captions = figures.captions(loss, any(each.net.decoding is not None for each in kinds))
    measure_kind = partial(_measure_kind, loss=loss, batch=batch)
    common = {"loss": np.array(loss)}
    return collect(kinds, measure_kind, _rows, at_ends(_words), _scores, plot, captions, common)


def _scores(arrays):
    return {"nats per step back": np.array([growth(values)[0] for values in arrays["carry"][-1]])}


def _rows(arrays):
    """Returns the table's rows of one layer: medians over networks with their intervals."""
    for number, step in enumerate(arrays["steps"]):
        for state, norms in {**arrays["norms"], "carry": arrays["carry"]}.items():
            row = {"step": int(step), "state": state, "networks": norms.shape[1]}
            yield from rows_by_lag(row, norms[number])


def _words(arrays, moment):
    """Describes the gradient of the networks at one checkpoint."""
    norms = arrays["carry"][moment]
    together = np.median(norms, axis=0)
    rates = np.array([growth(values)[0] for values in norms])
    rates = rates[np.isfinite(rates)]
    text = f"the gradient is {growth(together)[1]}"
    if len(rates):
        middle, low, high = statistics.median(rates)
        spread = f" (median of {len(rates)}, 90 % interval {low:+.4f} to {high:+.4f})" if len(rates) > 1 else ""
        text += f", {middle:+.4f} nats per step back{spread}"
    unresolved = ~is_resolved(together)[1:]
    lag = (
        len(unresolved) - int(np.argmin(unresolved[::-1])) if not unresolved.all() else 0
    )  # after the last resolved lag
    return text + (f"; too small for {norms.dtype} from lag {lag + 1} on" if lag < len(unresolved) else "")


def probe() -> Probe:
    """Probe of a training run: at each report, norms and shares of every layer, medians over sequences."""

    def of_network(task, params, drawn):
        return {flow.layer: over_sequences(flow) for flow in measure(task.net, task.dataset, params, drawn)}

    def over_sequences(flow):
        median = partial(jnp.nanmedian, axis=1)
        norms = {state: median(values) for state, values in flow.norms.items()}
        return {"norms": norms, "carry": median(flow.carry), "share": jnp.nansum(flow.shares, axis=1)}

    return layers_probe(of_network, plot)


def _measure_kind(ensemble, loss, batch):
    """Measures every layer: {name: {quantity: [S, N, T]}}, medians over sequences at the lags that every sequence has,
    and the sums of the shares.
    """

    def of_network(params, drawn):
        return measure(ensemble.net, ensemble.dataset, params, drawn, loss)

    arrays_by_layer = {}
    for name, flow in over_layers(Flow, of_network, ensemble, batch).items():
        known = np.isfinite(flow.carry).all(axis=(0, 1, 3))
        arrays_by_layer[name] = {
            "norms": {state: np.median(values[:, :, known], axis=3) for state, values in flow.norms.items()},
            "carry": np.median(flow.carry[:, :, known], axis=3),
            "share": np.nansum(flow.shares, axis=3),
            "steps": ensemble.steps,
        }
    return arrays_by_layer


def _recurrent(net, gradient):
    """Keeps only the gradient of the recurrent weights (leaves named w_h), in an encoder-decoder only the encoder's."""
    recurrent = map_recurrent(lambda g: g, gradient, other=jnp.zeros_like)
    return (
        recurrent
        if net.decoding is None
        else recurrent._replace(decoder=jax.tree.map(jnp.zeros_like, recurrent.decoder))
    )


def growth(norms: Any) -> Any:
    """Returns (rate, kind) of a norm against lag.

    The rate is in nats per step back, from lag 1 to the longest lag that the floating-point format resolves. The kind
    is "exploding" or "vanishing" if the norm changes by more than a factor of ten, and "preserved" otherwise. If fewer
    than two lags are resolved, the rate is NaN, and the kind is "vanishing" if lag 1 is resolved, else "zero".
    """
    norms = np.asarray(norms)
    resolved = np.flatnonzero(is_resolved(norms)[1:]) + 1
    if len(resolved) < 2:
        return np.nan, "vanishing" if resolved.tolist() == [1] and len(norms) > 2 else "zero"
    first, last = map(float, norms[resolved[[0, -1]]])
    change = np.log(last) - np.log(first)
    kind = "preserved" if abs(change) <= np.log(FACTOR) else "exploding" if change > 0 else "vanishing"
    return float(change / (resolved[-1] - resolved[0])), kind


def is_resolved(norms: Any) -> Any:
    """Returns true where norms are finite and large enough for their floating-point format."""
    return np.isfinite(norms) & (norms >= smallest(norms.dtype))


def plot(result: Result) -> dict[str, Any]:
    """Draws norm and share against lag, before and after training, and lag against updates if training was followed."""
    return figures.draw(result, growth)
