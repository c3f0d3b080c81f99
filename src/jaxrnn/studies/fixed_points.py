"""Fixed and slow points of a network under a constant input, and how it moves near them.

Sussillo & Barak 2013: minimise q(z) = |F(z) - z|^2 / 2 from many states that the network visits; q = 0 is a fixed
point, a small minimum above zero a slow one. Here by Newton steps, damped as Levenberg and Marquardt do.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import dynamics
from jaxrnn.plotting import style as plotting
from jaxrnn.studies._ensembles import ensembles, refuse_future
from jaxrnn.studies._result import Result
from jaxrnn.table import Table
from jaxrnn.types import NonNegative, Size

SLOW = 1e-3  # speed |F(z) - z|, relative to the size of z, below which a minimum is a slow point
APART = 1e-3  # distance below which two points are one, relative to the spread of the states
COLUMNS = ("network", "point", "kind", "speed", "spectral_radius", "unstable")


def study(
    networks,
    starts: Size = 256,
    noise: NonNegative = 0.1,
    input: Literal["zero", "mean"] = "zero",
    iterations: Size = 200,
):
    """Fixed and slow points of the first network of every kind, at its last checkpoint.

    Args:
      networks: as in `jaxrnn.studies`.
      starts: states of trajectories under training sequences from which the search begins.
      noise: what is added to them, relative to their standard deviation.
      input: the constant input, zero or the mean of the training sequences.
      iterations: damped Newton steps from each.

    Returns:
      A `Result`; each network has "z" [P, n], the distinct points; "speed" [P], |F(z) - z|; "fixed" [P], whether they
      are fixed rather than slow; "eigenvalues" [P, n] of the Jacobian; "trajectories" [T, B, n].
    """
    found, rows, findings = {}, [], []
    for ensemble in ensembles(networks):
        refuse_future(ensemble)
        own = _searched(ensemble, starts, noise, input, iterations)
        found[ensemble.name] = own
        radii = np.abs(own["eigenvalues"]).max(axis=1, initial=0)
        for place, values in enumerate(own["eigenvalues"]):
            kind, unstable = "fixed" if own["fixed"][place] else "slow", int((np.abs(values) > 1).sum())
            cells = (ensemble.name, place + 1, kind, float(own["speed"][place]), float(radii[place]), unstable)
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
        fixed = own["fixed"]
        findings.append(
            f"{ensemble.name}, step {ensemble.steps[-1]}: {int(fixed.sum())} fixed points, "
            f"{int((fixed & (radii < 1)).sum())} of them stable, and {int((~fixed).sum())} slow points, from {starts} "
            "starts"
        )
    return Result(found, Table(rows or [dict.fromkeys(COLUMNS, "")]), findings, plot)


def _searched(ensemble, starts, noise, input, iterations):
    """The points of one kind of network: {what: array}."""
    f, z_0 = dynamics.as_map(ensemble.net, jax.tree.map(lambda a: jnp.asarray(a[-1, 0]), ensemble.params))
    key_data, key_start, key_noise = jax.random.split(jax.random.key(ensemble.seed), 3)
    xs = ensemble.draw(16, key_data).xs
    states = jax.jit(jax.vmap(lambda x: dynamics.trajectory(f, z_0, x), 1, 1))(xs)
    flat = states.reshape(-1, z_0.size)
    chosen = jax.random.choice(key_start, flat, (starts,))
    spread = jnp.std(flat, axis=0)
    chosen += noise * spread * jax.random.normal(key_noise, chosen.shape, chosen.dtype)
    x = jnp.zeros(xs.shape[-1]) if input == "zero" else xs.mean((0, 1))
    points = jax.jit(lambda s, x: dynamics.find_points(f, s, x, iterations))(chosen, x)
    points = jax.tree.map(np.asarray, points)

    size, exact = float(jnp.linalg.norm(spread)), 100 * float(np.sqrt(jnp.finfo(flat.dtype).eps))
    order = np.argsort(points.speed)
    order = order[points.speed[order] < SLOW * max(size, 1e-12)]
    order = order[dynamics.distinct(points.z[order], APART * max(size, 1e-12))] if len(order) else order
    z, speed = points.z[order], points.speed[order]
    jacobians = np.asarray(jax.jit(jax.vmap(lambda z: jax.jacfwd(f)(z, x)))(jnp.asarray(z)))
    eigenvalues = np.linalg.eigvals(jacobians) if len(z) else np.zeros((0, flat.shape[1]), complex)
    own = {"z": z, "speed": speed, "fixed": speed < exact * max(size, 1.0)}
    return own | {"eigenvalues": eigenvalues, "trajectories": np.asarray(states)}


def plot(result):
    """The points over trajectories in their two principal components, and the eigenvalues of the Jacobians there."""
    found = result.networks
    figure, panels = plotting.panels(len(found), "first principal component", "second principal component")
    spectra, planes = plotting.panels(len(found), "real part", "imaginary part")
    for panel, plane, (name, each) in zip(panels, planes, found.items(), strict=True):
        states, eigenvalues = each["trajectories"], each["eigenvalues"]
        flat = states.reshape(-1, states.shape[-1])
        mean = flat.mean(axis=0)
        axes = np.linalg.svd(flat - mean, full_matrices=False)[2][:2]
        shown = (states - mean) @ axes.T
        panel.plot(shown[..., 0], shown[..., -1], color="0.75", linewidth=0.6)
        places = (each["z"] - mean) @ axes.T
        circle = np.exp(2j * np.pi * np.linspace(0, 1, 200))
        plane.plot(circle.real, circle.imag, color="0.6", linewidth=0.8)
        for label, (of_kind, style) in _kinds(each).items():
            if of_kind.any():
                panel.scatter(places[of_kind, 0], places[of_kind, -1], s=36, label=label, zorder=3, **style)
                values = eigenvalues[of_kind].ravel()
                plane.scatter(values.real, values.imag, s=10, label=label, **style)
        for axes in (panel, plane):
            axes.set_title(name)
            if axes.get_legend_handles_labels()[1]:
                axes.legend(frameon=False, fontsize=8)
        plane.set_aspect("equal")
    return {"fixed_points": figure, "fixed_points_eigenvalues": spectra}


def _kinds(each):
    """{label: (which points, how they are drawn)}."""
    fixed, stable = each["fixed"], np.abs(each["eigenvalues"]).max(axis=1, initial=0) < 1
    return {
        "stable fixed point": (fixed & stable, {"marker": "o", "color": plotting.COLOURS[0]}),
        "unstable fixed point": (fixed & ~stable, {"marker": "X", "color": plotting.COLOURS[1]}),
        "slow point": (~fixed, {"marker": "^", "color": plotting.COLOURS[4]}),
    }
