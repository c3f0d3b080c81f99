"""How many steps of Newton's method the carries of a whole sequence need, against the largest Lyapunov exponent.

Where errors shrink along the sequence few iterations find all carries at once; where they grow about as many are needed
as the sequence has steps, and nothing is gained (Gonzalez et al. 2025, "Predictability enables parallelization of
nonlinear state space models"). The study also predicts the number from a short run.
"""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.dynamics import taps
from jaxrnn.plotting import style
from jaxrnn.studies._ensembles import ensembles, over_networks, refuse_future
from jaxrnn.studies._layers import label, layer_names
from jaxrnn.studies._precision import in_their_precision
from jaxrnn.studies._recurrent import scaled
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.types import NonNegative, Positive, Size
from jaxrnn.unroll import newton

NEAR = 2  # iterations by which a prediction may be wrong and still be counted as right
CAPTIONS = {
    "newton_steps": "Iterations of Newton's method until the carries of all steps have converged, against the largest "
    "Lyapunov exponent over the first {short} steps; a point is a network at one gain and one length. Points on the "
    "upper edge did not converge in {iterations} iterations. Dotted: the number predicted for a long sequence whose "
    "errors all grow at the mean rate; dashed: the largest predicted number.",
    "newton_prediction": "Iterations predicted from the first {short} steps, against those that were "
    "needed, both counted up to {most}, which stands for any more; the grey band is {near} iterations on either side. "
    "The area of a point says how many networks, gains and lengths are there.",
}


@checked
@in_their_precision
def study(
    networks: Any,
    lowest: Positive = 0.25,
    highest: Positive = 4.0,
    gains: Size = 16,
    shortest: Size = 32,
    longest: Size = 1024,
    lengths: Size = 6,
    noise: NonNegative = 0.5,
    iterations: Size = 50,
) -> Result:
    """Iterations needed and predicted, for every kind of network and each of its layers at the last checkpoint.

    Args:
      networks: as in `jaxrnn.studies`.
      lowest, highest, gains: the range of factors of the recurrent weights and their number, evenly spread in their
        logarithm.
      shortest, longest, lengths: the same of the lengths, in steps.
      noise: standard deviation of the inputs.
      iterations: that are tried.

    Returns:
      A `Result`; each network has "exponent" [lengths, gains, N] in nats per step and "amplification" of the first 128
      steps (see `jaxrnn.unroll.newton.growth`), and the iterations "needed" and "predicted", of which iterations + 1
      and 13 stand for any more; common are "gains" and "lengths".

    Raises:
      ValueError: if a range is empty, or fewer iterations are tried than are predicted.
    """
    if iterations < newton.MAX_PREDICTED:
        raise ValueError(f"study.iterations={iterations}: give {newton.MAX_PREDICTED} or more, the most predicted")
    if lowest >= highest or not 2 <= shortest < longest:
        raise ValueError(
            "study.lowest must be below study.highest, and study.shortest, at least 2, below study.longest"
        )
    grid = np.geomspace(lowest, highest, gains)
    steps = np.unique(np.rint(np.geomspace(shortest, longest, lengths)).astype(int))
    found, rows, findings, scores = {}, [], [], {}
    for ensemble in ensembles(networks):
        refuse_future(ensemble)
        ensemble = ensemble.at([len(ensemble.steps) - 1])
        for number, layer in enumerate(layer_names(ensemble)):
            name = label(ensemble, layer)
            of_lengths = [_measured(ensemble, number, grid, int(length), noise, iterations) for length in steps]
            own = found[name] = {what: np.stack([each[what] for each in of_lengths]) for what in of_lengths[0]}
            rows += _rows(name, own, grid, steps)
            findings.append(_words(name, own, iterations))
            scores[name] = np.mean(_near(own), axis=(0, 1))
    common = {"gains": grid, "lengths": steps, "iterations": np.array(iterations)}
    return Result(found, Table(rows), findings, plot, common, _captions(iterations), {"predicted within 2": scores})


def _captions(iterations):
    numbers = {"short": newton.SHORT_RUN, "most": newton.MAX_PREDICTED + 1, "near": NEAR, "iterations": iterations}
    return {title: text.format(**numbers) for title, text in CAPTIONS.items()}


def _measured(ensemble, number, grid, length, noise, iterations):
    """{what: [gains, N]} of a layer at one length."""
    net, size = ensemble.net, ensemble.dataset.input_size

    def of_network(params, key):
        xs = noise * jax.random.normal(key, (length, size), float)

        def at_gain(gain):
            changed = scaled(params, gain, "gain")
            carry = net.initial(changed, ())
            _, cell, own, reverse = taps.layers(net, changed, carry, xs)[number]
            first = taps.carries(net, changed, carry, xs)[number]
            given = cell, own, first, taps.inputs(net, changed, carry, xs)[number]
            growth = newton.growth(*given, reverse=reverse)
            return {
                **growth._asdict(),
                "needed": newton.steps(*given, reverse=reverse, iterations=iterations),
                "predicted": newton.predicted_steps(growth),
            }

        return jax.lax.map(at_gain, jnp.asarray(grid, float))

    return {what: np.moveaxis(values[0], 0, -1) for what, values in over_networks(of_network, ensemble).items()}


def _rows(name, own, grid, steps):
    """The table's rows, one a length, gain and network."""
    for (t, length), (g, gain) in itertools.product(enumerate(steps), enumerate(grid)):
        for number in range(own["needed"].shape[-1]):
            values = {what: float(each[t, g, number]) for what, each in own.items()}
            counts = {what: int(values[what]) for what in ("needed", "predicted")}
            yield {"network": name, "length": int(length), "gain": float(gain), "number": number} | values | counts


def _near(own):
    """[lengths, gains, N], whether the prediction is right, both counted up to the most that is predicted."""
    return np.abs(np.minimum(own["needed"], newton.MAX_PREDICTED + 1) - own["predicted"]) <= NEAR


def _words(name, own, iterations):
    """How good the predictions are, and where the iterations fail, as text."""
    right, converged = 100 * np.mean(_near(own)), own["needed"] <= iterations
    text = f"{name}: predicted within {NEAR} of the iterations needed at {right:.0f} % of {converged.size} points"
    if converged.all():
        return f"{text}; all converge"
    return f"{text}; {100 * np.mean(converged):.0f} % converge in {iterations}"


def plot(result: Result) -> dict[str, Any]:
    """Iterations against the exponent, a panel for each network, and predicted against needed ones."""
    return {"newton_steps": _against_exponent(result), "newton_prediction": _predictions(result)}


def _against_exponent(result):
    common, found = result.common, result.networks
    labels = "largest Lyapunov exponent (nats per step)", "iterations needed"
    figure, panels = style.panels(len(found), *labels, sharey=True)
    for panel, (name, own) in zip(panels, found.items(), strict=True):
        for number, length in enumerate(common["lengths"]):
            look = style.series(number) | {"linestyle": "none", "markersize": 3, "alpha": 0.7}
            needed = np.minimum(own["needed"][number], common["iterations"])
            panel.plot(own["exponent"][number].ravel(), needed.ravel(), label=f"{length} steps", **look)
        exponent = np.linspace(min(own["exponent"].min(), -0.1), -1e-3, 400)
        expected = newton.FIT_OFFSET + newton.FIT_SLOPE / np.sqrt(1 - np.exp(exponent))
        panel.plot(exponent, expected, label="expected", **style.THEORY)
        panel.axhline(newton.MAX_PREDICTED, color=style.BLACK, linestyle="--", linewidth=0.8, label="most predicted")
        panel.axvline(0.0, **style.FAINT)
        panel.set_yscale("log")
        panel.set_ylim(1.8, 1.15 * common["iterations"])
        style.plain_log(panel.yaxis)
        style.title(panel, name)
    style.legend_below(figure)
    return figure


def _predictions(result):
    found, most = result.networks, newton.MAX_PREDICTED + 1
    figure, panels = style.panels(len(found), "iterations needed", "iterations predicted", sharey=True)
    for panel, (name, own) in zip(panels, found.items(), strict=True):
        pairs = np.stack([np.minimum(own["needed"], most).ravel(), own["predicted"].ravel()])
        places, counts = np.unique(pairs, axis=1, return_counts=True)
        line = np.array([1, most + 1])
        panel.fill_between(line, line - NEAR - 0.5, line + NEAR + 0.5, color="0.9", linewidth=0)
        panel.scatter(*places, s=150 * counts / counts.max(), color=style.BLUE, linewidth=0)
        panel.set(xlim=(1, most + 1), ylim=(1, most + 1), aspect="equal")
        ticks = [*range(2, most - 1, 2), most]
        names = [*map(str, ticks[:-1]), "more"]
        panel.set_xticks(ticks, names)
        panel.set_yticks(ticks, names)
        style.title(panel, name)
    return figure
