"""Number of Newton steps that the carries of a whole sequence need, against the largest Lyapunov exponent.

Newton's method solves for all carries of a sequence at once. If errors shrink along the sequence, few iterations are
enough. If errors grow, about as many iterations are needed as the sequence has steps, and nothing is gained (Gonzalez
et al. 2025, "Predictability enables parallelization of nonlinear state space models"). The study also shows the number
predicted from a short run.
"""

import itertools
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.dynamics import taps
from jaxrnn.plotting import style
from jaxrnn.studies._collect import collect
from jaxrnn.studies._ensembles import over_networks, refuse_future
from jaxrnn.studies._gain_grid import gain_grid
from jaxrnn.studies._layers import label, layer_names
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._recurrent import scaled
from jaxrnn.studies._result import Result
from jaxrnn.types import NonNegative, Positive, Size
from jaxrnn.unroll import newton

NEAR = 2  # a prediction counts as right if it differs by at most this many iterations
CAPTIONS = {
    "newton_steps": "Iterations of Newton's method until the carries of all steps have converged, against the largest "
    "Lyapunov exponent over the first {short} steps. Each point is one network at one gain and one length. Points on "
    "the upper edge did not converge in {iterations} iterations. Dotted: the number predicted for a "
    "long sequence whose errors all grow at the mean rate. Dashed: the largest number that it predicts.",
    "newton_prediction": "Iterations predicted from the first {short} steps, against the iterations "
    "needed. Both are counted up to {most}, which stands for any larger number. The grey band is {near} iterations on "
    "either side. The area of a point is proportional to the number of networks, gains and lengths at that point.",
}


@study_function
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
      lowest, highest, gains: range of factors of the recurrent weights and their number, evenly spread in the
        logarithm.
      shortest, longest, lengths: the same for the lengths, in steps.
      noise: standard deviation of the inputs.
      iterations: largest number of iterations.

    Returns:
      A `Result`. Each network has [lengths, gains, N]: "exponent" and "amplification" of the first 128 steps, and the
      iterations "needed" and "predicted", in which iterations + 1 and 13 stand for any larger number.

    Raises:
      ValueError: if a range is empty, `shortest` is 1, or `iterations` is below the largest prediction.
    """
    if shortest < 2:
        raise ValueError("study.shortest=1: expected at least 2")
    if iterations < newton.MAX_PREDICTED:
        raise ValueError(
            f"study.iterations={iterations}: expected at least {newton.MAX_PREDICTED}, the largest prediction"
        )
    grid, steps = gain_grid(lowest, highest, gains, shortest, longest, lengths)
    kinds = ensembles(networks)
    refuse_future(*kinds)
    return collect(
        [ensemble.at([len(ensemble.steps) - 1]) for ensemble in kinds],
        partial(_measure_kind, grid=grid, steps=steps, noise=noise, iterations=iterations),
        partial(_rows, grid=grid, steps=steps),
        lambda name, arrays: [f"{name}: {_words(arrays, iterations)}"],
        lambda arrays: {"predicted within 2": np.mean(_near(arrays), axis=(0, 1))},
        plot,
        _captions(iterations),
        {"gains": grid, "lengths": steps, "iterations": np.array(iterations)},
    )


def _measure_kind(ensemble, grid, steps, noise, iterations):
    """Measures every layer at every length: {name: {quantity: [lengths, gains, N]}}."""
    arrays_by_layer = {}
    for number, layer in enumerate(layer_names(ensemble)):
        of_lengths = [_at_length(ensemble, number, grid, int(length), noise, iterations) for length in steps]
        stacked = jax.tree.map(lambda *values: np.stack(values), *of_lengths)
        arrays_by_layer[label(ensemble, layer)] = stacked
    return arrays_by_layer


def _captions(iterations):
    numbers = {"short": newton.SHORT_RUN, "most": newton.MAX_PREDICTED + 1, "near": NEAR, "iterations": iterations}
    return {title: text.format(**numbers) for title, text in CAPTIONS.items()}


def _at_length(ensemble, number, grid, length, noise, iterations):
    """Measures one layer at one length: {quantity: [gains, N]}."""
    net, size = ensemble.net, ensemble.dataset.input_size

    def of_network(params, key):
        xs = noise * jax.random.normal(key, (length, size), float)

        def at_gain(gain):
            changed = scaled(params, gain, "gain")
            carry = net.initial(changed, ())
            _, cell, cell_params, reverse = taps.layers(net, changed, carry, xs)[number]
            first = taps.carries(net, changed, carry, xs)[number]
            layer = cell, cell_params, first, taps.inputs(net, changed, carry, xs)[number]
            growth = newton.growth(*layer, reverse=reverse)
            return {
                **growth._asdict(),
                "needed": newton.steps(*layer, reverse=reverse, iterations=iterations),
                "predicted": newton.predicted_steps(growth),
            }

        return jax.lax.map(at_gain, jnp.asarray(grid, float))

    return {quantity: np.moveaxis(values[0], 0, -1) for quantity, values in over_networks(of_network, ensemble).items()}


def _rows(arrays, grid, steps):
    """Returns the table's rows, one per length, gain and network."""
    for (t, length), (g, gain) in itertools.product(enumerate(steps), enumerate(grid)):
        for number in range(arrays["needed"].shape[-1]):
            values = {quantity: float(each[t, g, number]) for quantity, each in arrays.items()}
            counts = {quantity: int(values[quantity]) for quantity in ("needed", "predicted")}
            yield {"length": int(length), "gain": float(gain), "number": number} | values | counts


def _near(arrays):
    """Returns whether each prediction is right, [lengths, gains, N]; both count up to the largest prediction."""
    return np.abs(np.minimum(arrays["needed"], newton.MAX_PREDICTED + 1) - arrays["predicted"]) <= NEAR


def _words(arrays, iterations):
    """Describes how good the predictions are, and how often the iterations converge."""
    right, converged = 100 * np.mean(_near(arrays)), arrays["needed"] <= iterations
    text = f"predicted within {NEAR} of the iterations needed at {right:.0f} % of {converged.size} points"
    if converged.all():
        return f"{text}; all converge"
    return f"{text}; {100 * np.mean(converged):.0f} % converge in {iterations}"


def plot(result: Result) -> dict[str, Any]:
    """Draws iterations against the exponent, and predicted against needed ones, one panel per network."""
    return {"newton_steps": _against_exponent(result), "newton_prediction": _predictions(result)}


def _against_exponent(result):
    common, arrays_by_network = result.common, result.networks
    labels = "largest Lyapunov exponent (nats per step)", "iterations needed"
    figure, panels = style.named_panels(arrays_by_network, *labels, sharey=True)
    for panel, arrays in panels:
        for number, length in enumerate(common["lengths"]):
            look = style.series(number) | {"linestyle": "none", "markersize": 3, "alpha": 0.7}
            needed = np.minimum(arrays["needed"][number], common["iterations"])
            panel.plot(arrays["exponent"][number].ravel(), needed.ravel(), label=f"{length} steps", **look)
        exponent = np.linspace(min(arrays["exponent"].min(), -0.1), -1e-3, 400)
        expected = newton.FIT_OFFSET + newton.FIT_SLOPE / np.sqrt(1 - np.exp(exponent))
        panel.plot(exponent, expected, label="expected", **style.THEORY)
        panel.axhline(newton.MAX_PREDICTED, color=style.BLACK, linestyle="--", linewidth=0.8, label="most predicted")
        panel.axvline(0.0, **style.FAINT)
        panel.set_yscale("log")
        panel.set_ylim(1.8, 1.15 * common["iterations"])
        style.plain_log(panel.yaxis)
    return style.legend_below(figure)


def _predictions(result):
    arrays_by_network, max_count = result.networks, newton.MAX_PREDICTED + 1
    figure, panels = style.named_panels(arrays_by_network, "iterations needed", "iterations predicted", sharey=True)
    for panel, arrays in panels:
        pairs = np.stack([np.minimum(arrays["needed"], max_count).ravel(), arrays["predicted"].ravel()])
        points, counts = np.unique(pairs, axis=1, return_counts=True)
        line = np.array([1, max_count + 1])
        panel.fill_between(line, line - NEAR - 0.5, line + NEAR + 0.5, color="0.9", linewidth=0)
        panel.scatter(*points, s=150 * counts / counts.max(), color=style.BLUE, linewidth=0)
        panel.set(xlim=(1, max_count + 1), ylim=(1, max_count + 1), aspect="equal")
        ticks = [*range(2, max_count - 1, 2), max_count]
        names = [*map(str, ticks[:-1]), "more"]
        panel.set_xticks(ticks, names)
        panel.set_yticks(ticks, names)
    return figure
