"""The Lyapunov spectrum of a network: the mean rates at which perturbations of its carry grow or shrink.

Benettin et al. 1980; for recurrent networks Engelken, Wolf & Abbott 2023 and Vogt et al. 2022. The gradient going back
sees the same rates as a perturbation going forwards.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import dynamics
from jaxrnn.plotting import style as plotting
from jaxrnn.studies._ensembles import ensembles, over_networks, refuse_future
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.types import NonNegativeInt, Size


def study(
    networks,
    drive: Literal["data", "none", "output"] = "data",
    steps: Size = 1000,
    warm_up: NonNegativeInt = 200,
    exponents: Size | None = None,
):
    """Spectra with their standard errors, Kaplan-Yorke dimension and entropy, for every network and checkpoint.

    Args:
      networks: as in `jaxrnn.studies`.
      drive: "data" for training sequences one after the other, or a series that is learned step by step again and
        again, the carry going on; "none" for inputs of zero; "output" for the network's own output, as it generates.
      steps: T, over which rates are averaged.
      warm_up: steps before them.
      exponents: the k largest; None for all.

    Returns:
      A `Result`; each network has "steps" [S]; "lam" [S, N, k] in nats per step; "error" [S, N, k], their standard
      errors by means over ten blocks; "dimension" and "entropy" [S, N], of whole spectra.

    Raises:
      ValueError: if a network has fewer exponents.
    """
    found, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        refuse_future(ensemble)
        own = {"steps": ensemble.steps, **_spectra(ensemble, drive, steps, warm_up, exponents)}
        found[ensemble.name] = own
        for moment, step in enumerate(ensemble.steps):
            for (network, index), lam in np.ndenumerate(own["lam"][moment]):
                who = {"network": ensemble.name, "step": int(step), "number": network, "index": index + 1}
                rows.append(who | {"lam": float(lam), "standard_error": float(own["error"][moment, network, index])})
            if moment in ensemble.ends():
                findings.append(f"{ensemble.name}, step {step}: {_words(own, moment)}")
    return Result(found, Table(rows), findings, plot)


def _words(own, moment):
    """The largest exponent of one kind of network, and what follows from whole spectra, as text."""
    largest, error = own["lam"][moment, :, 0], own["error"][moment, :, 0].mean()
    text = f"largest exponent {largest.mean():+.4f} nats per step (standard error {error:.4f}, spread over networks "
    text += f"{largest.std():.4f})"
    if "dimension" in own:
        dimension, entropy = (own[name][moment].mean() for name in ("dimension", "entropy"))
        text += f", dimension {dimension:.3g}, entropy {entropy:.3g}"
    return text


def _spectra(ensemble, drive, steps, warm_up, exponents):
    dataset, net = ensemble.dataset, ensemble.net
    total = warm_up + steps

    def of_network(params, key):
        key_data, key_frame, key_start = jax.random.split(key, 3)
        f, z_0 = dynamics.as_map(net, params)
        n = z_0.size
        xs = jnp.zeros((total, dataset.input_size))
        if drive == "data":
            xs = _driving(ensemble, total, key_data)
        elif drive == "output":
            f, z_0 = dynamics.closed_loop(net, params, dataset.output_size)
        if drive != "data":  # away from the fixed point at zero
            z_0 = z_0 + 0.5 * jax.random.normal(key_start, z_0.shape, z_0.dtype)
        k = n if exponents is None else exponents
        if k > n:
            raise ValueError(f"{ensemble.name} has {n} exponents, not {k}")
        found = dynamics.lyapunov(f, z_0, xs, k, warm_up, key_frame)
        lam = jnp.sort(found.lam)[::-1]
        result = {"lam": lam, "error": dynamics.standard_error(found.rates)[jnp.argsort(found.lam)[::-1]]}
        if k == n:
            result |= {"dimension": dynamics.kaplan_yorke(lam), "entropy": dynamics.entropy(lam)}
        return result

    return over_networks(of_network, ensemble)


def _driving(ensemble, steps, key):
    """The inputs [steps, D] of training sequences one after the other; of a series that is learned step by step, its
    values, again and again."""
    dataset = ensemble.dataset
    if dataset.continues and dataset.series is not None:
        values = jnp.asarray(dataset.series.values, float)
        return jnp.tile(values, (-(-steps // len(values)), 1))[:steps]
    length = len(ensemble.draw(1, key).xs)
    batch = ensemble.draw(-(-steps // length), key)
    return jnp.moveaxis(batch.xs, 1, 0).reshape(-1, dataset.input_size)[:steps]


def plot(result):
    """The spectra, before and after training, with bands of one standard deviation over networks."""
    figure, (axes,) = plotting.panels(1, "index / number of exponents", "Lyapunov exponent (nats per step)")
    for number, (name, each) in enumerate(result.networks.items()):
        lam, steps = each["lam"], each["steps"]
        for moment in sorted({0, len(steps) - 1}):
            after = "" if len(steps) == 1 else ", before" if moment == 0 else ", after"
            mean, spread = lam[moment].mean(axis=0), lam[moment].std(axis=0)
            place = (np.arange(len(mean)) + 0.5) / len(mean)
            style = "--" if after == ", before" else plotting.STYLES[0]
            colour = plotting.COLOURS[number % len(plotting.COLOURS)]
            marker = "os^D*vP"[number % 7]
            axes.plot(place, mean, style, color=colour, label=name + after, marker=marker, markersize=3, markevery=0.1)
            axes.fill_between(place, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
    axes.axhline(0.0, color="0.6", linewidth=0.8)
    axes.legend(frameon=False)
    return {"lyapunov": figure}
