"""Phase diagram: growth rate of the gradient against the gain of the recurrent weights and the sequence length.

For random tanh networks the edge between vanishing and exploding lies at gain 1 (Sompolinsky, Crisanti & Sommers 1988;
Poole et al. 2016). One compiled call computes every gain with every length for every network.
"""

import itertools
import time
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxrnn import dynamics, statistics
from jaxrnn.norms import norm
from jaxrnn.recurrent_weights import recurrent_weights
from jaxrnn.studies import _gain_figures as figures
from jaxrnn.studies._ensembles import compile_over_networks, initial_ensemble, over_networks, refuse_future
from jaxrnn.studies._gain_grid import gain_grid
from jaxrnn.studies._networks import ensembles
from jaxrnn.studies._precision import study_function
from jaxrnn.studies._recurrent import scaled
from jaxrnn.studies._result import Result, quantiles
from jaxrnn.studies._retraining import reconfigure
from jaxrnn.table import Table
from jaxrnn.types import ListOf, Net, NonNegative, Params, Positive, Size

GATES = 4  # largest number of blocks side by side in recurrent weights


def measure(
    net: Net,
    params: Params,
    gain: ArrayLike,
    length: int,
    longest: Any,
    input_size: int,
    noise: float,
    key: jax.Array,
    scale: Any = "gain",
) -> Any:
    """Measures the growth rate of the gradient of a random function of the last carry: ln(|dL/dz_0| / |dL/dz_T|) / T.

    Args:
      net: a causal `Net`.
      params: its params.
      gain: factor of the recurrent weights, or their spectral radius; may be traced.
      length: T, at most `longest`; may be traced.
      longest: number of steps that are computed.
      input_size: D.
      noise: standard deviation of the inputs.
      key: PRNG key for the start, the inputs and the function.
      scale: "gain" or "radius".

    Returns:
      The rate [] in nats per step; minus infinity if the gradient is zero.
    """
    f, z_0 = dynamics.as_map(net, scaled(params, gain, scale))
    key_z, key_x, key_v = jax.random.split(key, 3)
    xs = noise * jax.random.normal(key_x, (longest, input_size), z_0.dtype)
    start = z_0 + 0.5 * jax.random.normal(key_z, z_0.shape, z_0.dtype)
    v = jax.random.normal(key_v, z_0.shape, z_0.dtype)
    steps = jnp.arange(longest)

    def forwards(z, inputs):
        t, x = inputs
        return jnp.where(t < length, f(z, x), z), z

    def backwards(state, inputs):  # normalised at every step, because the product leaves the range of float32
        gradient, log_norm = state
        t, x, z = inputs
        (pulled,) = jax.vjp(lambda z: f(z, x), z)[1](gradient)
        size, counts = norm(pulled), t < length
        gradient = jnp.where(counts, pulled / jnp.where(size > 0, size, 1.0), gradient)
        return (gradient, log_norm + jnp.where(counts, jnp.log(size), 0.0)), None

    _, before = jax.lax.scan(forwards, start, (steps, xs))
    first = v / norm(v), jnp.zeros((), v.dtype)
    (_, log_norm), _ = jax.lax.scan(backwards, first, (steps, xs, before), reverse=True)
    return log_norm / length


@study_function
def study(
    networks: Any,
    scale: Literal["gain", "radius"] = "gain",
    lowest: Positive = 0.5,
    highest: Positive = 2.0,
    gains: Size = 16,
    shortest: Size = 8,
    longest: Size = 256,
    lengths: Size = 16,
    noise: NonNegative = 0.0,
    timed: bool = False,
    sizes: ListOf[Size] = (),
) -> Result:
    """Phase diagram of every kind of network at the first checkpoint.

    Args:
      networks: as in `jaxrnn.studies`.
      scale: vary a factor of the recurrent weights ("gain"), or their spectral radius ("radius", square blocks only).
      lowest, highest, gains: range of gains and number of points, evenly spread in the logarithm.
      shortest, longest, lengths: the same for the lengths, in steps.
      noise: standard deviation of the inputs; the network starts from a random carry.
      timed: also measure each point in a call of its own and report both times, without compiling.
      sizes: values of model.cell.size whose edge is measured at the longest length; requires a configuration.

    Returns:
      A `Result`. Each network has "rate" [gains, lengths, N] in nats per step, and "edges" [sizes, N], the gain where
      the gradient stops vanishing. Square recurrent weights add "eigenvalues" [N, H] at gain 1 and "weight_gain" [N],
      the standard deviation of the entries times sqrt(H). Common are "gains", "lengths" and "sizes".

    Raises:
      ValueError: if a range is empty, weights are not square (`scale`), or a configuration is missing (`sizes`).
    """
    grid, steps = gain_grid(lowest, highest, gains, shortest, longest, lengths)
    arrays_by_network, rows, findings, scores = {}, [], [], {}
    for ensemble in [_check(each, scale).at([0]) for each in ensembles(networks)]:
        of_network, point = _points(ensemble, grid, steps, longest, noise, scale)
        rate = np.moveaxis(over_networks(of_network, ensemble)[0], 0, -1)
        arrays_by_network[ensemble.name] = arrays = {"rate": rate, **_weights(ensemble)}
        rows += _rows(ensemble.name, rate, grid, steps)
        findings.append(f"{ensemble.name}: {_edge(np.median(rate[:, -1], axis=-1), grid, scale, longest)}")
        scores[ensemble.name] = edges(rate[:, -1], grid)
        findings += [_time_calls(ensemble, of_network, point, grid, steps)] if timed else []
        if len(sizes):
            arrays["edges"] = np.array([_edges_of_size(ensemble, n, grid, longest, noise, scale) for n in sizes])
            findings += _of_sizes(ensemble.name, sizes, arrays["edges"], scale)
    common, score = {"gains": grid, "lengths": steps, "sizes": np.array(sizes, int)}, f"{scale} at the edge"
    return Result(arrays_by_network, Table(rows), findings, plot, common, figures.CAPTIONS, {score: scores})


def _rows(name, rate, grid, steps):
    """Returns the table's rows: the rate at every gain and length, medians over networks."""
    for (g, gain), (t, length) in itertools.product(enumerate(grid), enumerate(steps)):
        row = {"network": name, "gain": float(gain), "length": int(length), "networks": rate.shape[-1]}
        yield row | quantiles(statistics.median(rate[g, t]), ("rate", "low", "high"))


def edges(rates: np.ndarray, grid: Any) -> Any:
    """Returns the gain [N] at which the rate of each network first passes zero, interpolated on the grid.

    It is infinite if all rates are negative, NaN if the first rate is not. Shapes: rates [gains, N], grid [gains].
    """
    edge_gains = np.where((rates < 0).all(axis=0), np.inf, np.nan)
    for number, rates_of_network in enumerate(rates.T):
        crossing = np.flatnonzero((rates_of_network[:-1] < 0) & (rates_of_network[1:] >= 0))
        if len(crossing):
            at = crossing[0]
            fraction = rates_of_network[at] / (rates_of_network[at] - rates_of_network[at + 1])
            edge_gains[number] = grid[at] * (grid[at + 1] / grid[at]) ** fraction
    return edge_gains


def _edges_of_size(ensemble, size, grid, longest, noise, scale):
    experiment = reconfigure(ensemble, "model.cell.size", size)
    resized = initial_ensemble(ensemble.name, experiment.task, ensemble.seeds, experiment)
    of_network, _ = _points(resized, grid, np.array([longest]), longest, noise, scale)
    return edges(np.moveaxis(over_networks(of_network, resized)[0], 0, -1)[:, 0], grid)


def _of_sizes(name, sizes, edge_gains, scale):
    for size, of_networks in zip(sizes, edge_gains, strict=True):
        middle, low, high = statistics.median(of_networks)
        if np.isfinite(middle):
            spread = f"(90 % interval {low:.3f} to {high:.3f})"
            yield f"{name}, {size} units: it stops vanishing at {scale} {middle:.3f} {spread}"


def _weights(ensemble):
    """Returns what theory needs if the params have exactly one recurrent matrix and it is square; otherwise nothing."""
    recurrent = [w[0] for w in recurrent_weights(ensemble.params)]
    if len(recurrent) != 1 or recurrent[0].shape[-1] != recurrent[0].shape[-2]:
        return {}
    gain = np.sqrt((recurrent[0] ** 2).mean(axis=(1, 2)) * recurrent[0].shape[-1])
    return {"eigenvalues": np.linalg.eigvals(recurrent[0]), "weight_gain": gain}


def _points(ensemble, grid, steps, longest, noise, scale):
    """Returns (all points of a network [gains, lengths], one point), both functions of params and keys."""

    def point(params, gain, length, key):
        return measure(ensemble.net, params, gain, length, longest, ensemble.dataset.input_size, noise, key, scale)

    def of_network(params, key):
        over_lengths = jax.vmap(point, (None, None, 0, None))
        return jax.vmap(over_lengths, (None, 0, None, None))(params, jnp.asarray(grid), jnp.asarray(steps), key)

    return of_network, point


def _edge(rates, grid, scale, longest):
    """Describes where the gradient stops vanishing, from the rates at the longest length."""
    crossing = np.flatnonzero(np.diff(np.sign(rates)))
    if len(crossing) == 0:
        return f"the rate at {longest} steps keeps its sign: {rates[0]:+.3g} nats per step"
    below, above = grid[crossing[0] : crossing[0] + 2]
    return f"the gradient stops vanishing between {scale} {below:.3g} and {above:.3g}"


def _check(ensemble, scale):
    """Returns the ensemble if its recurrent weights can be scaled and it does not read the future."""
    refuse_future(ensemble)
    recurrent = recurrent_weights(ensemble.params)
    if not recurrent:
        raise ValueError("the network has no recurrent weights: expected a leaf of the params named w_h")
    blocks = [leaf.shape[-1] / leaf.shape[-2] for leaf in recurrent]
    if scale == "radius" and any(count not in range(1, GATES + 1) for count in blocks):
        raise ValueError("study.scale=radius: expected square recurrent weights; use study.scale=gain")
    return ensemble


def _time_calls(ensemble, of_network, point, grid, steps):
    """Times all points in one call and in one call each, both compiled before, and describes both."""
    together, one_point = compile_over_networks(of_network, ensemble), jax.jit(point)
    params, keys = jax.tree.map(lambda a: jnp.asarray(a[0]), ensemble.params), ensemble.keys()
    networks = [jax.tree.map(lambda a, n=n: a[n], (params, keys)) for n in range(ensemble.networks)]
    points = [(p, jnp.asarray(g), jnp.asarray(t), key) for p, key in networks for g in grid for t in steps]
    jax.block_until_ready((together(), one_point(*points[0])))
    began = time.perf_counter()
    jax.block_until_ready(together())
    one_call = time.perf_counter() - began
    began = time.perf_counter()
    for each in points:
        one_point(*each).block_until_ready()
    calls = time.perf_counter() - began
    ratio = f"{calls / one_call:.3g} times as long"
    return (
        f"{ensemble.name}, {len(points)} points: one call {one_call:.2f} s, one call per point {calls:.2f} s, {ratio}"
    )


def plot(result: Result) -> dict[str, Any]:
    """Draws the phase diagram, the rate against the gain, the eigenvalues, and the edge against the size.

    The rate is compared with theory, the eigenvalues with the circular law.
    """
    return figures.draw(result)
