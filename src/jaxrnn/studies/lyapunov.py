"""Lyapunov spectrum of a network: the mean rates at which perturbations of its carry grow or shrink.

Benettin et al. 1980; for recurrent networks Engelken, Wolf & Abbott 2023 and Vogt et al. 2022. A gradient going back
grows at the same rates as a perturbation going forwards.
"""

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from jaxrnn import dynamics, statistics
from jaxrnn.plotting import style
from jaxrnn.studies import _curves as curves
from jaxrnn.studies._collect import at_ends, collect
from jaxrnn.studies._ensembles import over_networks, refuse_future
from jaxrnn.studies._layers import driven_maps, only_elman_layer
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._result import Result
from jaxrnn.types import NonNegativeInt, Size

CAPTIONS = {
    "lyapunov": "Lyapunov exponents in descending order against their index divided by their number; medians over "
    "networks with 90 % bootstrap intervals. Above the grey line perturbations grow and gradients explode. The dotted "
    "curve, for a network of one Elman layer, is ln |eigenvalue| of its recurrent weights: the spectrum of the same "
    "network with the identity in place of tanh. The dotted line is the mean-field value of the largest exponent of a "
    "random tanh network of this gain without inputs (Sompolinsky, Crisanti & Sommers 1988).",
}


@study_function
def study(
    networks: Any,
    drive: Literal["data", "none", "output"] = "data",
    steps: Size = 1000,
    warm_up: NonNegativeInt = 200,
    exponents: Size | None = None,
) -> Result:
    """Spectra with standard errors, Kaplan-Yorke dimension and entropy, for every network, layer and checkpoint.

    Args:
      networks: as in `jaxrnn.studies`.
      drive: the inputs. "data" for sequences one after the other; a series that is learned step by step is repeated,
        and its carry continues. "none" for inputs of zero. "output" for the network's own output, as in free running.
      steps: T, the number of steps over which rates are averaged.
      warm_up: number of steps before those, which are not counted.
      exponents: number k of the largest exponents; None for all.

    Returns:
      A `Result`. Each network has:

      - "steps" [S].
      - "lam" [S, N, k]: in nats per step; "error" [S, N, k]: standard errors from means over ten blocks.
      - "dimension" and "entropy" [S, N]: only for whole spectra.
      - "linear" [S, N, k] and "mean_field" [S, N]: theory for a network of one Elman layer.

      A network of several layers has one entry for all layers together and one per layer.

    Raises:
      ValueError: if a network has fewer than `exponents` exponents.
    """
    kinds = ensembles(networks)
    if drive == "output":
        refuse_future(*kinds)
    measure_kind = partial(_spectra, drive=drive, steps=steps, warm_up=warm_up, exponents=exponents)
    return collect(kinds, measure_kind, _rows, at_ends(_words), _scores, plot, CAPTIONS)


def _scores(arrays):
    return {"largest exponent": arrays["lam"][-1, :, 0]}


def _rows(arrays):
    for moment, step in enumerate(arrays["steps"]):
        for (network, index), lam in np.ndenumerate(arrays["lam"][moment]):
            row = {"step": int(step), "number": network, "index": index + 1, "lam": float(lam)}
            yield row | {"standard_error": float(arrays["error"][moment, network, index])}


def _words(arrays, moment):
    """Describes the largest exponent of one kind of network, and the dimension and entropy of whole spectra."""
    largest, error = arrays["lam"][moment, :, 0], arrays["error"][moment, :, 0].mean()
    middle, low, high = statistics.median(largest)
    text = f"largest exponent {middle:+.4f} nats per step (standard error {error:.4f}"
    text += f"; median of {len(largest)}, 90 % interval {low:+.4f} to {high:+.4f})" if len(largest) > 1 else ")"
    if "dimension" in arrays:
        dimension, entropy = (np.median(arrays[name][moment]) for name in ("dimension", "entropy"))
        text += f", dimension {dimension:.3g}, entropy {entropy:.3g}"
    return text


def _spectra(ensemble, drive, steps, warm_up, exponents):
    """Computes {name: {quantity: [S, N, ...]}} of a kind of network, for all layers together and each layer."""
    dataset, net = ensemble.dataset, ensemble.net

    def of_network(params, key):
        key_data, key_frame, key_start = jax.random.split(key, 3)
        total, carry = warm_up + steps, None
        xs = jnp.zeros((total, dataset.input_size))
        if drive == "data":
            xs = _driving(ensemble, total, key_data)
        else:  # start away from the fixed point at zero
            flat, unravel = ravel_pytree(net.initial(params, ()))
            carry = unravel(flat + 0.5 * jax.random.normal(key_start, flat.shape, flat.dtype))
        if drive == "output":
            f, z_0 = dynamics.closed_loop(net, params, dataset.output_size)
            z_0 = z_0.at[: flat.size].set(ravel_pytree(carry)[0])
            maps = {ensemble.name: (f, z_0, xs)}
        else:
            maps = driven_maps(ensemble, params, xs, carry)
        arrays_by_name = {}
        for name, (f, z_0, inputs) in maps.items():
            count = _count(name, z_0.size, exponents)
            arrays_by_name[name] = _largest(f, z_0, inputs, count, warm_up, key_frame)
            if count == z_0.size:
                arrays_by_name[name] |= _of_whole(arrays_by_name[name]["lam"])
        if ensemble.name in arrays_by_name:
            arrays_by_name[ensemble.name] |= _theory(params)
        return arrays_by_name

    spectra = over_networks(of_network, ensemble)
    return {name: arrays | {"steps": ensemble.steps} for name, arrays in spectra.items()}


def _count(name, states, exponents):
    """Returns the number of exponents of a map with this number of states.

    Raises:
      ValueError: if the map has fewer than `exponents` states.
    """
    count = states if exponents is None else exponents
    if count > states:
        raise ValueError(f"study.exponents={count}: expected at most {states}, the number of states of {name}")
    return count


def _largest(f, z_0, xs, count, warm_up, key):
    """Computes the largest exponents [count] of a map with their standard errors, in descending order."""
    spectrum = dynamics.lyapunov(f, z_0, xs, count, warm_up, key)
    errors = dynamics.standard_error(spectrum.rates)[jnp.argsort(spectrum.lam)[::-1]]
    return {"lam": jnp.sort(spectrum.lam)[::-1], "error": errors}


def _of_whole(lam):
    """Computes the numbers that need all exponents of a map."""
    return {"dimension": dynamics.kaplan_yorke(lam), "entropy": dynamics.entropy(lam)}


def _theory(params):
    """Returns ln |eigenvalues| of W_h and the mean-field exponent of its gain, for a network of one Elman layer."""
    layer = only_elman_layer(params)
    if layer is None or layer.w_h.shape[0] != layer.w_h.shape[1]:
        return {}
    w_h = layer.w_h
    gain = jnp.sqrt(jnp.mean(w_h**2) * len(w_h))
    linear = jnp.sort(jnp.log(jnp.abs(jnp.linalg.eigvals(w_h))))[::-1]
    return {"linear": linear, "mean_field": dynamics.mean_field_exponent(gain)}


def _driving(ensemble, steps, key):
    """Returns the inputs [steps, D]: sequences one after the other, or the repeated values of a series.

    A series is used if it is learned step by step.
    """
    dataset = ensemble.dataset
    if dataset.train.stateful and dataset.series is not None and ensemble.split == "train":
        values = jnp.asarray(dataset.series.inputs(), float)
        return jnp.tile(values, (-(-steps // len(values)), 1))[:steps]
    length = len(ensemble.inputs(1, key))
    xs = jnp.moveaxis(ensemble.inputs(-(-steps // length), key), 1, 0).reshape(-1, dataset.input_size)
    return jnp.tile(xs, (-(-steps // len(xs)), 1))[:steps]


def plot(result: Result) -> dict[str, Any]:
    """Draws the spectra, one panel per network, before and after training, with the theory of Elman networks."""
    labels = "index / number of exponents", "Lyapunov exponent (nats per step)"

    def position(each):
        return (np.arange(each["lam"].shape[2]) + 0.5) / each["lam"].shape[2]

    def theory(panel, each):
        if "linear" in each and each["linear"].shape == each["lam"].shape:
            middle = np.median(each["linear"][-1], axis=0)
            panel.plot(position(each), middle, label=r"ln |eigenvalue of $W_h$|", **style.THEORY)
        if "mean_field" in each:
            at = float(np.median(each["mean_field"][-1]))
            panel.axhline(at, color=style.RED, linestyle=":", linewidth=1.0, label="mean field, largest")

    figure, *_ = curves.figure(
        result.networks,
        lambda each: curves.before_and_after(position(each), each["lam"], each["steps"]),
        *labels,
        result.layout,
        theory=theory,
        finish=lambda panel: panel.axhline(0.0, **style.FAINT),
        sharex=True,
    )
    return {"lyapunov": style.legend_below(figure)}
