"""Dimension of a network's states, their time constants, and memory of past inputs.

It measures the participation ratio (Gao et al. 2017), the variance explained by principal components, autocorrelation
times, and the memory capacity (Jaeger 2001).
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import dynamics, statistics
from jaxrnn.dynamics import dimension as measures
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._collect import at_ends, collect
from jaxrnn.studies._ensembles import over_networks
from jaxrnn.studies._layers import driven_maps
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.types import NonNegativeInt, Size

NUMBERS = {
    "participation_ratio": "participation ratio",
    "time_constant": "autocorrelation time (steps)",
    "capacity": "memory capacity",
}
CAPTIONS = {
    "dimension": "Share of the states' variance that the first principal components explain, under sequences of the "
    "data; medians over networks with 90 % bootstrap intervals.",
    "dimension_memory": "Squared correlation between the input k steps ago and a linear readout of the states that "
    "reconstructs it, under independent uniform inputs (Jaeger 2001). The readout is tested on steps that were not "
    "used to fit it. The area under the curve is the memory capacity, at most the number of states. Medians over "
    "networks with 90 % bootstrap intervals.",
}


@study_function
def study(
    networks: Any, batch: Size = 32, steps: Size = 3000, warm_up: NonNegativeInt = 200, lags: Size = 60
) -> Result:
    """Dimension, time constants and memory of the states of every kind of network, before and after training.

    Args:
      networks: as in `jaxrnn.studies`.
      batch: sequences of the data per network.
      steps: number of independent inputs for the memory; uniform between -1 and 1 in the first input, zero in the
        others.
      warm_up: number of steps before those inputs, which are not measured.
      lags: K, the number of lags over which the memory is measured.

    Returns:
      A `Result`. Each network has:

      - "steps" [S], and "participation_ratio" [S, N].
      - "explained" [S, N, n]: share of the variance that the first 1 ... n components explain.
      - "time_constants" [S, N, n]: in steps.
      - "memory" [S, N, K], and its sum "capacity" [S, N].

      A network of several layers has one entry for all layers together and one per layer.

    Raises:
      ValueError: if `steps` is not more than twice `lags`.
    """
    if steps <= 2 * lags:
        raise ValueError(f"study.steps={steps}: expected more than twice study.lags={lags}")
    kinds = [ensemble.at(ensemble.ends()) for ensemble in ensembles(networks)]
    measure = partial(_measure_kind, batch=batch, steps=steps, warm_up=warm_up, lags=lags)
    return collect(kinds, measure, _rows, at_ends(_words), _scores, plot, CAPTIONS)


def _numbers(arrays):
    """Returns {quantity: [S, N]}, one number per network."""
    time_constant = _median_of_units(arrays["time_constants"])
    return {name: arrays[name] for name in ("participation_ratio", "capacity")} | {"time_constant": time_constant}


def _scores(arrays):
    numbers = _numbers(arrays)
    return {words: numbers[quantity][-1] for quantity, words in NUMBERS.items()}


def _rows(arrays):
    for moment, step in enumerate(arrays["steps"]):
        row = {"step": int(step), "networks": arrays["capacity"].shape[1]}
        for quantity, values in _numbers(arrays).items():
            row |= quantiles(statistics.median(values[moment]), (quantity, f"{quantity}_low", f"{quantity}_high"))
        yield row


def _words(arrays, moment):
    ratio, capacity, time_constant = (np.median(values[moment]) for values in _numbers(arrays).values())
    return (
        f"participation ratio {ratio:.3g} of {arrays['explained'].shape[-1]} states, autocorrelation time "
        f"{time_constant:.3g} steps, memory capacity {capacity:.3g}"
    )


def _median_of_units(values):
    """Returns the medians over the units that have a time constant, [S, N] of [S, N, n]; NaN if none has."""
    known = np.isfinite(values)
    filled = np.where(known.any(axis=-1, keepdims=True), values, 0.0)
    return np.where(known.any(axis=-1), np.nanmedian(filled, axis=-1), np.nan)


def _measure_kind(ensemble, batch, steps, warm_up, lags):
    """Measures one kind of network: {name: {quantity: [S, N, ...]}}."""
    ensemble.draw(batch, jax.random.key(0))  # rejects data that the study cannot use
    width = ensemble.dataset.input_size

    def of_network(params, key):
        key_data, key_noise = jax.random.split(key)
        xs = ensemble.inputs(batch, key_data)
        noise = jax.random.uniform(key_noise, (warm_up + steps,), xs.dtype, -1.0, 1.0)
        noise_inputs = jnp.zeros((len(noise), width), xs.dtype).at[:, 0].set(noise)

        def states(x):
            return {name: dynamics.trajectory(*each) for name, each in driven_maps(ensemble, params, x).items()}

        under_noise = jax.tree.map(lambda z: z[warm_up:], states(noise_inputs))
        return jax.vmap(states, 1, 1)(xs), under_noise, noise[warm_up:]

    states_of_data, under_noise, noise = over_networks(of_network, ensemble)
    arrays_by_name = {}
    for name, of_data in states_of_data.items():
        parts = {"explained": [], "participation_ratio": [], "time_constants": [], "memory": []}
        for index in np.ndindex(of_data.shape[:2]):
            variances = measures.variances(of_data[index].reshape(-1, of_data.shape[-1]))
            parts["explained"].append(np.cumsum(variances) / max(variances.sum(), np.finfo(float).tiny))
            parts["participation_ratio"].append(measures.participation_ratio(variances))
            parts["time_constants"].append(measures.time_constants(of_data[index]))
            parts["memory"].append(measures.memory_capacity(noise[index], under_noise[name][index], lags))
        arrays = {quantity: np.array(a).reshape(*of_data.shape[:2], *np.shape(a[0])) for quantity, a in parts.items()}
        arrays_by_name[name] = arrays | {"steps": ensemble.steps, "capacity": arrays["memory"].sum(axis=-1)}
    return arrays_by_name


def plot(result: Result) -> dict[str, Any]:
    """Draws variance explained and memory against lag, one panel per network, before and after training."""
    return {
        "dimension": _curves(result, "explained", "principal components", "variance explained", 1),
        "dimension_memory": _curves(result, "memory", "lag k (steps)", "memory of the input", 0),
    }


def _curves(result, quantity, x_label, y_label, first):
    total, unit = {
        "explained": ("participation_ratio", "dimensions"),
        "memory": ("capacity", "steps in all"),
    }[quantity]

    def heading(name, each):
        return f"{name}: {np.median(each[total][-1]):.1f} {unit}"

    def curves_of(each):
        return curves.before_and_after(curves.ranks(each[quantity], first), each[quantity], each["steps"])

    def finish(panel):
        panel.set_ylim(-0.02, 1.02)
        if max(len(line.get_xdata()) for line in panel.lines) == 1:
            panel.set_xticks(panel.lines[0].get_xdata())
        elif quantity == "explained":
            panel.set_xscale("log")
            style.plain_log(panel.xaxis)

    options = {"heading": heading, "finish": finish, "sharey": True}
    figure, *_ = curves.figure(result.networks, curves_of, x_label, y_label, result.layout, **options)
    return style.legend_below(figure)
