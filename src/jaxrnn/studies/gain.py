"""A phase diagram: the growth rate of the gradient against the gain of the recurrent weights and the sequence's length.

For random tanh networks the edge between vanishing and exploding lies at gain 1 (Sompolinsky, Crisanti & Sommers 1988;
Poole et al. 2016). All points, every gain with every length and every network, are one compiled call.
"""

import itertools
import time
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import dynamics
from jaxrnn.cells._dropout import is_recurrent
from jaxrnn.plotting import style as plotting
from jaxrnn.studies._ensembles import ensembles, over_networks, prepared, refuse_future
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.types import NonNegative, Positive, Size

GATES = 4  # side by side in recurrent weights, at most


def measure(net, params, gain, length, longest, input_size, noise, key, scale="gain"):
    """The growth rate of the gradient of a random function of the last carry: ln(|dL/dz_0| / |dL/dz_T|) / T.

    Args:
      net: a causal `Net`.
      params: its params.
      gain: what the recurrent weights are multiplied by, or their spectral radius; may be traced.
      length: T, at most `longest`; may be traced.
      longest: steps that are computed.
      input_size: D.
      noise: standard deviation of the inputs.
      key: PRNG key of start, inputs and function.
      scale: "gain" or "radius".

    Returns:
      The rate [], in nats per step.
    """
    f, z_0 = dynamics.as_map(net, scaled(params, gain, scale))
    key_z, key_x, key_v = jax.random.split(key, 3)
    xs = noise * jax.random.normal(key_x, (longest, input_size), z_0.dtype)
    start = z_0 + 0.5 * jax.random.normal(key_z, z_0.shape, z_0.dtype)
    v = jax.random.normal(key_v, z_0.shape, z_0.dtype)
    v /= jnp.linalg.norm(v)

    def last(z):
        def step(z, inputs):
            t, x = inputs
            return jnp.where(t < length, f(z, x), z), None

        return jax.lax.scan(step, z, (jnp.arange(longest), xs))[0]

    (gradient,) = jax.vjp(last, start)[1](v)
    return jnp.log(jnp.maximum(jnp.linalg.norm(gradient), jnp.finfo(z_0.dtype).tiny)) / length


def scaled(params, gain, scale):
    """The params with their recurrent weights, the leaves named w_h, times a gain, or of that spectral radius, block by
    block."""

    def change(path, w):
        if not is_recurrent(path):
            return w
        if scale == "gain":
            return gain * w
        blocks = jnp.split(w, w.shape[1] // w.shape[0], axis=1)
        return jnp.concatenate([gain * b / jnp.max(jnp.abs(jnp.linalg.eigvals(b))) for b in blocks], axis=1)

    return jax.tree_util.tree_map_with_path(change, params)


def study(
    networks,
    scale: Literal["gain", "radius"] = "gain",
    lowest: Positive = 0.5,
    highest: Positive = 2.0,
    gains: Size = 16,
    shortest: Size = 8,
    longest: Size = 256,
    lengths: Size = 16,
    noise: NonNegative = 0.0,
    timed: bool = False,
):
    """The phase diagram of every kind of network, at the first checkpoint.

    Args:
      networks: as in `jaxrnn.studies`.
      scale: vary a factor of the recurrent weights, or their spectral radius (square blocks only).
      lowest, highest, gains: the range of gains and the number of points, evenly spread in their logarithm.
      shortest, longest, lengths: the same of the lengths, in steps.
      noise: standard deviation of the inputs; the network starts from a random carry.
      timed: also measure every point in a call of its own, and say what both took, without compiling.

    Returns:
      A `Result`; each network has "rate" [gains, lengths, N] in nats per step; common are "gains" and "lengths".

    Raises:
      ValueError: if a range is empty, or the spectral radius of a matrix that is not square is asked for.
    """
    if lowest >= highest or shortest >= longest:
        raise ValueError("study.lowest must be below study.highest, and study.shortest below study.longest")
    grid = np.geomspace(lowest, highest, gains)
    steps = np.unique(np.rint(np.geomspace(shortest, longest, lengths)).astype(int))
    found, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        refuse_future(ensemble)
        ensemble = ensemble.at([0])
        _check_weights(ensemble, scale)
        of_network, point = _points(ensemble, grid, steps, longest, noise, scale)
        rate = np.moveaxis(over_networks(of_network, ensemble)[0], 0, -1)
        found[ensemble.name] = {"rate": rate}
        for (g, gain), (t, length) in itertools.product(enumerate(grid), enumerate(steps)):
            row = {"network": ensemble.name, "gain": float(gain), "length": int(length)}
            rows.append(row | {"rate": float(rate[g, t].mean()), "spread": float(rate[g, t].std())})
        findings.append(f"{ensemble.name}: {_edge(rate[:, -1].mean(axis=-1), grid, scale, longest)}")
        if timed:
            findings.append(_timed(ensemble, of_network, point, grid, steps))
    return Result(found, Table(rows), findings, plot, {"gains": grid, "lengths": steps})


def _points(ensemble, grid, steps, longest, noise, scale):
    """(every point of a network [gains, lengths], one point), functions of params and keys."""

    def point(params, gain, length, key):
        return measure(ensemble.net, params, gain, length, longest, ensemble.dataset.input_size, noise, key, scale)

    def of_network(params, key):
        over_lengths = jax.vmap(point, (None, None, 0, None))
        return jax.vmap(over_lengths, (None, 0, None, None))(params, jnp.asarray(grid), jnp.asarray(steps), key)

    return of_network, point


def _edge(rates, grid, scale, longest):
    """Where the gradient stops vanishing, from the rates at the longest sequence, as text."""
    crossing = np.flatnonzero(np.diff(np.sign(rates)))
    if len(crossing) == 0:
        return f"the rate at {longest} steps keeps its sign: {rates[0]:+.3g} nats per step"
    below, above = grid[crossing[0] : crossing[0] + 2]
    return f"the gradient stops vanishing between {scale} {below:.3g} and {above:.3g}"


def _check_weights(ensemble, scale):
    leaves = jax.tree_util.tree_flatten_with_path(ensemble.params)[0]
    found = [leaf for path, leaf in leaves if is_recurrent(path)]
    if not found:
        raise ValueError("it needs recurrent weights, a leaf of the params named w_h")
    blocks = [leaf.shape[-1] / leaf.shape[-2] for leaf in found]
    if scale == "radius" and any(count not in range(1, GATES + 1) for count in blocks):
        raise ValueError("study.scale=radius needs square recurrent weights; a Jordan network has none")


def _timed(ensemble, of_network, point, grid, steps):
    """The points in one call and in a call each, both compiled before the clock starts, as text."""
    together, alone = prepared(of_network, ensemble), jax.jit(point)
    params, keys = jax.tree.map(lambda a: jnp.asarray(a[0]), ensemble.params), ensemble.keys()
    networks = [jax.tree.map(lambda a, n=n: a[n], (params, keys)) for n in range(ensemble.networks)]
    points = [(p, jnp.asarray(g), jnp.asarray(t), key) for p, key in networks for g in grid for t in steps]
    jax.block_until_ready((together(), alone(*points[0])))
    began = time.perf_counter()
    jax.block_until_ready(together())
    one_call = time.perf_counter() - began
    began = time.perf_counter()
    for each in points:
        alone(*each).block_until_ready()
    calls = time.perf_counter() - began
    ratio = f"{calls / one_call:.3g} times as long"
    return f"{ensemble.name}, {len(points)} points: one call {one_call:.2f} s, a call each {calls:.2f} s, {ratio}"


def plot(result):
    """Gain against length, coloured by the growth rate; the line where the gradient neither grows nor shrinks."""
    lengths, gains = result.common["lengths"], result.common["gains"]
    figure, panels = plotting.panels(len(result.networks), "length (steps)", "gain")
    for panel, (name, each) in zip(panels, result.networks.items(), strict=True):
        rate = each["rate"].mean(axis=-1)
        limit = np.abs(rate).max()
        mesh = panel.pcolormesh(
            lengths, gains, rate, shading="nearest", cmap="RdBu_r", vmin=-limit, vmax=limit, rasterized=True
        )
        if rate.min() < 0 < rate.max():
            panel.contour(lengths, gains, rate, levels=[0.0], colors="black", linewidths=1.2)
        panel.set(xscale="log", yscale="log", title=name)
        ticks = [0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0]
        ticks = [tick for tick in ticks if gains[0] * 0.99 <= tick <= gains[-1] * 1.01]
        panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.minorticks_off()
        figure.colorbar(mesh, ax=panel, label="growth of the gradient (nats per step back)")
    return {"gain": figure}
