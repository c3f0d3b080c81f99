"""What gates do: their values over time and training, how many are saturated, and how long each unit remembers.

Saturation as Karpathy, Johnson & Fei-Fei 2016: below 0.1 or above 0.9. A unit whose keeping gate (f of an LSTM, z of a
GRU) has the mean value f forgets with the time scale -1 / ln f, in steps (Tallec & Ollivier 2018).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.arguments import checked
from jaxrnn.dynamics import taps
from jaxrnn.studies import _gate_figures as figures
from jaxrnn.studies._ensembles import ensembles, over_networks
from jaxrnn.studies._layers import label
from jaxrnn.studies._precision import in_their_precision
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.table import Table
from jaxrnn.training.probes import Probe
from jaxrnn.types import Batch, Net, Params, Size

SHUT, OPEN = 0.1, 0.9
CANDIDATES = ("g", "n")  # a tanh, no gate
KEEPING = ("f", "z")


class Gates(NamedTuple):
    """The gates of a layer in a batch.

    Fields:
      layer: its name; see `taps.layers`.
      over_time: {gate: [T]}, means over sequences and units.
      shut, open: {gate: []}, the shares of values below 0.1 and above 0.9.
      time_scales: [U], -1 / ln of each unit's mean keeping gate, in steps.
      of_biases: [U], -1 / ln sigma(b) of the keeping gate's biases b alone, in steps; None where they are not known.
    """

    layer: str
    over_time: dict
    shut: dict
    open: dict
    time_scales: Any
    of_biases: Any


def measure(net: Net, params: Params, batch: Batch) -> Any:
    """The `Gates` of every layer of a network in a batch.

    Raises:
      ValueError: if the network's cells have no gates.
    """
    carry = net.initial(params, batch.fresh.shape)
    _, _, seen = taps.observe(net, params, carry, batch.xs, mask=batch.mask, reset=batch.reset)
    if any(layer.gates is None for layer in seen):
        raise ValueError("it needs gated cells, such as an LSTM or a GRU; this one has no gates")
    valid = jnp.ones(batch.weights.shape) if batch.mask is None else 1.0 * batch.mask

    def mean(a, axes):
        weights = jnp.broadcast_to(valid[..., None], a.shape)
        return jnp.sum(a * weights, axes) / jnp.maximum(jnp.sum(weights, axes), 1)

    found = []
    for layer, (name, _, own, _) in zip(seen, taps.layers(net, params, carry, batch.xs), strict=True):
        names = taps.states(layer.gates)
        values = {gate: a for gate, a in zip(names, layer.gates, strict=True) if gate not in CANDIDATES}
        keeping = next(gate for gate in values if gate in KEEPING)
        found.append(
            Gates(
                name,
                over_time={gate: mean(a, (1, 2)) for gate, a in values.items()},
                shut={gate: mean(a < SHUT, None) for gate, a in values.items()},
                open={gate: mean(a > OPEN, None) for gate, a in values.items()},
                time_scales=-1 / jnp.log(mean(values[keeping], (0, 1))),
                of_biases=_of_biases(own, names, keeping),
            )
        )
    return found


def _of_biases(params, gates, keeping):
    """-1 / ln sigma(b) of the keeping gate's biases, which lie gate by gate in the leaf b."""
    biases = getattr(params, "b", getattr(getattr(params, "cell", None), "b", None))
    if biases is None or biases.size % len(gates):
        return None
    own = biases.reshape(len(gates), -1)[gates.index(keeping)]
    return -1 / jnp.log(jax.nn.sigmoid(own))


@checked
@in_their_precision
def study(networks: Any, batch: Size = 32) -> Result:
    """Gates for every kind of network, every layer, and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`, with gated cells.
      batch: sequences for each network.

    Returns:
      A `Result`; each network has "steps" [S]; "means" {gate: [S, N, T]}; "saturated" {gate: [S, N, 2]}, the shares
      shut and open; "time_scales" [S, N, U], in steps, and "of_biases" [S, N, U], those of the biases alone; "lags"
      [2], the fewest and the most steps that the task asks to bridge, where it says.

    Raises:
      ValueError: if a network has no gates.
    """
    found, rows, findings, scores = {}, [], [], {}
    for ensemble in ensembles(networks):
        for gates in _seen(ensemble, batch):
            name, own = label(ensemble, gates.layer), _own(gates, ensemble.steps)
            if ensemble.dataset.lags is not None:
                own["lags"] = np.array(ensemble.dataset.lags)
            found[name] = own
            rows += _rows(name, own)
            scores[name] = np.median(own["time_scales"][-1], axis=1)
            for moment in ensemble.ends():
                low, median, high = np.quantile(own["time_scales"][moment], (0.1, 0.5, 0.9))
                scales = f"{median:.3g} steps (10 to 90 % of units: {low:.3g} to {high:.3g})"
                findings.append(f"{name}, step {ensemble.steps[moment]}: time scale {scales}")
    scores = {"median time scale (steps)": scores}
    return Result(found, Table(rows), findings, plot, captions=figures.CAPTIONS, scores=scores)


def _rows(name, own):
    """The table's rows of one layer: a gate's mean value and saturation, medians over networks."""
    for gate, values in own["means"].items():
        for moment, step in enumerate(own["steps"]):
            row = {"network": name, "step": int(step), "gate": gate, "networks": values.shape[1]}
            row |= quantiles(statistics.median(values[moment].mean(axis=1)), ("mean", "low", "high"))
            shut, opened = np.median(own["saturated"][gate][moment], axis=0).tolist()
            yield row | {"shut": shut, "open": opened}


def _own(gates, steps):
    """What a layer's arrays are called in a result."""
    saturated = {gate: np.stack([gates.shut[gate], gates.open[gate]], -1) for gate in gates.shut}
    own = {"steps": steps, "time_scales": gates.time_scales, "means": gates.over_time, "saturated": saturated}
    return own if gates.of_biases is None else own | {"of_biases": gates.of_biases}


def _seen(ensemble, batch):
    """The `Gates` of every layer with leaves [S, N, ...]."""
    ensemble.draw(batch, jax.random.key(0))  # refuses data that cannot be used
    names = []

    def of_network(params, key):
        found = measure(ensemble.net, params, ensemble.draw(batch, key))
        names[:] = [gates.layer for gates in found]
        return [tuple(gates[1:]) for gates in found]

    found = over_networks(of_network, ensemble)
    return [Gates(name, *gates) for name, gates in zip(names, found, strict=True)]


def probe() -> Probe:
    """What a training run measures at a report, layer by layer: means over time, shares shut and open, time scales."""

    def of_network(task, params, drawn):
        found = {}
        for gates in measure(task.net, params, drawn):
            for gate, values in gates.over_time.items():
                found[f"{gates.layer}/means/{gate}"] = values
                found[f"{gates.layer}/saturated/{gate}"] = jnp.stack([gates.shut[gate], gates.open[gate]])
            found[f"{gates.layer}/time_scales"] = gates.time_scales
        return found

    def draw(steps, arrays):
        found = {}
        for key, values in arrays.items():
            layer, what, *gate = key.split("/")
            own = found.setdefault(layer, {"steps": steps, "means": {}, "saturated": {}})
            (own[what] if gate else own)[gate[0] if gate else what] = values[:, None]
        return plot(Result(found, Table([]), [], plot))

    return Probe(of_network, draw)


def plot(result: Result) -> dict[str, Any]:
    """Gates over time, the histogram of time scales beside the task's lags, saturation over training."""
    return figures.draw(result.networks)
