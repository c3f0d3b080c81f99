"""Gates: their values over time and training, how many are saturated, and how long each unit remembers.

A gate value is saturated below 0.1 or above 0.9 (Karpathy, Johnson & Fei-Fei 2016). A unit whose keeping gate (f of an
LSTM, z of a GRU) has the mean value f forgets with the time scale -1 / ln f, in steps (Tallec & Ollivier 2018).
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import statistics
from jaxrnn.dynamics import taps
from jaxrnn.studies import _gate_figures as figures
from jaxrnn.studies._collect import at_ends, collect, layers_probe
from jaxrnn.studies._layers import over_layers
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.training.probes import Probe
from jaxrnn.types import Batch, Net, Params, Size

SHUT, OPEN = 0.1, 0.9
CANDIDATES = ("g", "n")  # outputs of tanh, not gates
KEEPING = ("f", "z")


class Gates(NamedTuple):
    """Gates of a layer in a batch.

    Fields:
      layer: name of the layer; see `taps.layers`.
      over_time: {gate: [T]}, means over sequences and units.
      shut, open: {gate: []}, the shares of values below 0.1 and above 0.9.
      time_scales: [U], -1 / ln of each unit's mean keeping gate, in steps.
      of_biases: [U], -1 / ln sigma(b) from only the keeping gate's biases b, in steps; None if they are not known.
    """

    layer: str
    over_time: dict
    shut: dict
    open: dict
    time_scales: Any
    of_biases: Any


def measure(net: Net, params: Params, batch: Batch) -> Any:
    """Measures the `Gates` of every layer of a network in a batch.

    Args:
      net, params: the network, a `Net` and its params.
      batch: a `Batch`.

    Raises:
      ValueError: if the network's cells have no gates.
    """
    xs: Any = batch.xs  # cut: an array, or the Pair of an encoder-decoder
    carry = net.initial(params, batch.fresh.shape)
    _, _, observed_layers = taps.observe(net, params, carry, xs, mask=batch.mask, reset=batch.reset)
    if any(layer.gates is None for layer in observed_layers):
        raise ValueError("the network's cells have no gates: expected gated cells, such as an LSTM or a GRU")
    valid = jnp.ones(batch.weights.shape) if batch.mask is None else 1.0 * batch.mask

    def mean(a, axes):
        weights = jnp.broadcast_to(valid[..., None], a.shape)
        return jnp.sum(a * weights, axes) / jnp.maximum(jnp.sum(weights, axes), 1)

    gates_by_layer = []
    for layer, (name, _, layer_params, _) in zip(observed_layers, taps.layers(net, params, carry, xs), strict=True):
        names = taps.states(layer.gates)
        values = {gate: a for gate, a in zip(names, layer.gates, strict=True) if gate not in CANDIDATES}
        keeping = next(gate for gate in values if gate in KEEPING)
        gates_by_layer.append(
            Gates(
                name,
                over_time={gate: mean(a, (1, 2)) for gate, a in values.items()},
                shut={gate: mean(a < SHUT, None) for gate, a in values.items()},
                open={gate: mean(a > OPEN, None) for gate, a in values.items()},
                time_scales=-1 / jnp.log(mean(values[keeping], (0, 1))),
                of_biases=_of_biases(layer_params, names, keeping),
            )
        )
    return gates_by_layer


def _of_biases(params, gates, keeping):
    """Returns -1 / ln sigma(b) of the keeping gate's biases, which lie gate by gate in the leaf b."""
    biases = getattr(params, "b", getattr(getattr(params, "cell", None), "b", None))
    if biases is None or biases.size % len(gates):
        return None
    keeping_biases = biases.reshape(len(gates), -1)[gates.index(keeping)]
    return -1 / jnp.log(jax.nn.sigmoid(keeping_biases))


@study_function
def study(networks: Any, batch: Size = 32) -> Result:
    """Gates of every kind of network, every layer, and every checkpoint of its training.

    Args:
      networks: as in `jaxrnn.studies`, with gated cells.
      batch: sequences per network.

    Returns:
      A `Result`. Each network has:

      - "steps" [S].
      - "means" {gate: [S, N, T]}.
      - "saturated" {gate: [S, N, 2]}: the shares of values below 0.1 and above 0.9.
      - "time_scales" [S, N, U]: in steps; "of_biases" [S, N, U]: from only the biases.
      - "lags" [2]: the shortest and the longest lag that the task requires, if the data set defines them.

    Raises:
      ValueError: if a network has no gates.
    """
    measure_kind = partial(_measure_kind, batch=batch)
    return collect(ensembles(networks), measure_kind, _rows, at_ends(_words), _scores, plot, figures.CAPTIONS)


def _scores(arrays):
    return {"median time scale (steps)": np.median(arrays["time_scales"][-1], axis=1)}


def _words(arrays, moment):
    low, median, high = np.quantile(arrays["time_scales"][moment], (0.1, 0.5, 0.9))
    return f"time scale {median:.3g} steps (10 to 90 % of units: {low:.3g} to {high:.3g})"


def _rows(arrays):
    """Returns the table's rows of one layer: mean value and saturation of each gate, medians over networks."""
    for gate, values in arrays["means"].items():
        for moment, step in enumerate(arrays["steps"]):
            row = {"step": int(step), "gate": gate, "networks": values.shape[1]}
            row |= quantiles(statistics.median(values[moment].mean(axis=1)), ("mean", "low", "high"))
            shut, opened = np.median(arrays["saturated"][gate][moment], axis=0).tolist()
            yield row | {"shut": shut, "open": opened}


def _measure_kind(ensemble, batch):
    """Measures the gates of every layer: {name: {quantity: [S, N, ...]}}."""
    lags = ensemble.dataset.memory.lags
    common = {"steps": ensemble.steps} | ({} if lags is None else {"lags": np.array(lags)})
    gates_by_layer = over_layers(Gates, partial(measure, ensemble.net), ensemble, batch)
    return {name: common | _arrays(gates, np.stack) for name, gates in gates_by_layer.items()}


def _arrays(gates, stack):
    """Returns a layer's arrays by their names in a result."""
    arrays = {
        "means": gates.over_time,
        "saturated": {gate: stack([gates.shut[gate], gates.open[gate]], -1) for gate in gates.shut},
        "time_scales": gates.time_scales,
    }
    return arrays if gates.of_biases is None else arrays | {"of_biases": gates.of_biases}


def probe() -> Probe:
    """Probe of a training run: gate means over time, saturated shares and time scales of every layer at each report."""

    def of_network(task, params, drawn):
        gates_by_layer = measure(task.net, params, drawn)
        return {gates.layer: _arrays(gates._replace(of_biases=None), jnp.stack) for gates in gates_by_layer}

    return layers_probe(of_network, plot)


def plot(result: Result) -> dict[str, Any]:
    """Draws gates over time, the histogram of time scales with the task's lags, and saturation over training."""
    return figures.draw(result)
