"""The Lyapunov spectrum of a network: the mean rates at which perturbations of its carry grow or shrink.

Benettin et al. 1980; for recurrent networks Engelken, Wolf & Abbott 2023 and Vogt et al. 2022. The gradient going back
sees the same rates as a perturbation going forwards.
"""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge

from jaxrnn import dynamics, plotting
from jaxrnn.subjects import Result, over_networks, refuse_future
from jaxrnn.subjects import sequences as draw
from jaxrnn.types import Size


def study(
    subjects,
    drive: Literal["data", "none", "output"] = "data",
    steps: Size = 1000,
    warm_up: Annotated[int, Ge(0)] = 200,
    exponents: Size | None = None,
):
    """Spectra with their standard errors, Kaplan-Yorke dimension and entropy, for every network and moment.

    Args:
      subjects: a list of `Subject`s.
      drive: "data" for training sequences one after the other, the carry going on; "none" for inputs of zero; "output"
        for the network's own output, as it generates.
      steps: T, over which rates are averaged.
      warm_up: steps before them.
      exponents: the k largest; None for all.

    Returns:
      A `Result` with "NAME|lam" [S, N, k] in nats per step, "NAME|error" [S, N, k], their standard errors by means over
      ten blocks, "NAME|dimension" and "NAME|entropy" [S, N] (of whole spectra), "NAME|steps" [S].

    Raises:
      ValueError: if a network has fewer exponents.
    """
    arrays, rows, findings = {}, [], []
    for subject in subjects:
        refuse_future(subject)
        found = _spectra(subject, drive, steps, warm_up, exponents)
        arrays[f"{subject.name}|steps"] = subject.steps
        for name, values in found.items():
            arrays[f"{subject.name}|{name}"] = values
        lam, error = found["lam"], found["error"]
        for moment, step in enumerate(subject.steps):
            for network in range(lam.shape[1]):
                for index in range(lam.shape[2]):
                    who = {"network": subject.name, "step": int(step), "number": network, "index": index + 1}
                    values = lam[moment, network, index], error[moment, network, index]
                    rows.append(who | dict(zip(("lam", "standard_error"), map(float, values), strict=True)))
            largest, own = lam[moment, :, 0], error[moment, :, 0].mean()
            text = f"{subject.name}, step {step}: largest exponent {largest.mean():+.4f} nats per step (standard error "
            text += f"{own:.4f}, spread over networks {largest.std():.4f})"
            if "dimension" in found:
                dimension, entropy = (found[name][moment].mean() for name in ("dimension", "entropy"))
                text += f", dimension {dimension:.3g}, entropy {entropy:.3g}"
            if moment in subject.ends():
                findings.append(text)
    return Result(arrays, rows, findings)


def _spectra(subject, drive, steps, warm_up, exponents):
    experiment = subject.experiment
    dataset, net = experiment.dataset, experiment.net
    total = warm_up + steps

    def of_network(params, key):
        key_data, key_frame, key_start = jax.random.split(key, 3)
        f, z_0 = dynamics.as_map(net, params)
        n = z_0.size
        xs = jnp.zeros((total, dataset.input_size))
        if drive == "data":
            length = len(draw(subject, 1, key_data).xs)
            batch = draw(subject, -(-total // length), key_data)
            xs = jnp.moveaxis(batch.xs, 1, 0).reshape(-1, dataset.input_size)[:total]
        elif drive == "output":
            f, z_0 = dynamics.closed_loop(net, params, dataset.output_size)
        if drive != "data":  # away from the fixed point at zero
            z_0 = z_0 + 0.5 * jax.random.normal(key_start, z_0.shape, z_0.dtype)
        k = n if exponents is None else exponents
        if k > n:
            raise ValueError(f"{subject.name} has {n} exponents, not {k}")
        found = dynamics.lyapunov(f, z_0, xs, k, warm_up, key_frame)
        lam = jnp.sort(found.lam)[::-1]
        result = {"lam": lam, "error": dynamics.standard_error(found.rates)[jnp.argsort(found.lam)[::-1]]}
        if k == n:
            result |= {"dimension": dynamics.kaplan_yorke(lam), "entropy": dynamics.entropy(lam)}
        return result

    return over_networks(of_network, subject)


def plot(result):
    """The spectra, before and after training, with bands of one standard deviation over networks."""
    arrays = result.arrays
    names = result.names()
    figure, (axes,) = plotting.panels(1, "index / number of exponents", "Lyapunov exponent (nats per step)")
    for number, name in enumerate(names):
        lam, steps = arrays[f"{name}|lam"], arrays[f"{name}|steps"]
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
