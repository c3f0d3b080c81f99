"""Fixed and slow points of a network under a constant input, and how it moves near them.

Sussillo & Barak 2013: minimise q(z) = |F(z) - z|^2 / 2 from many states that the network visits; q = 0 is a fixed
point, a small minimum above zero a slow one. Here by Newton steps, damped as Levenberg and Marquardt do.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn import dynamics, plotting
from jaxrnn.subjects import Result, refuse_future, sequences
from jaxrnn.types import NonNegative, Size

SLOW = 1e-3  # speed |F(z) - z|, relative to the size of z, below which a minimum is a slow point
APART = 1e-3  # distance below which two points are one, relative to the spread of the states


class Points(NamedTuple):
    """Where the search ended, from every start.

    Fields:
      z: [P, n].
      speed: [P], |F(z) - z|.
      flat: [P], the norm of dq/dz; small at a minimum of q.
    """

    z: jax.Array
    speed: jax.Array
    flat: jax.Array


def find(f, starts, x, iterations=200):
    """Minimises |f(z, x) - z|^2 / 2 from every start.

    Args:
      f: map (z [n], x [D]) -> z'.
      starts: [P, n].
      x: the constant input [D].
      iterations: damped Newton steps.

    Returns:
      `Points`.
    """

    def residual(z):
        return f(z, x) - z

    def descend(z):
        def body(_, state):
            z, damping = state
            r, j = residual(z), jax.jacfwd(residual)(z)
            step = jnp.linalg.solve(j.T @ j + damping * jnp.eye(z.size, dtype=z.dtype), -(j.T @ r))
            better = jnp.sum(residual(z + step) ** 2) < jnp.sum(r**2)
            damping = jnp.where(better, damping / 4, damping * 4)
            return jnp.where(better, z + step, z), jnp.clip(damping, 1e-14, 1e8)

        z, _ = jax.lax.fori_loop(0, iterations, body, (z, jnp.asarray(1.0, z.dtype)))
        r, j = residual(z), jax.jacfwd(residual)(z)
        return Points(z, jnp.linalg.norm(r), jnp.linalg.norm(j.T @ r))

    return jax.lax.map(descend, starts)


def distinct(z, apart):
    """Indices of the points [P, n] that are no nearer than `apart` to one before them."""
    kept = []
    for place, point in enumerate(z):
        if all(np.linalg.norm(point - z[other]) > apart for other in kept):
            kept.append(place)
    return kept


def study(
    subjects,
    starts: Size = 256,
    noise: NonNegative = 0.1,
    input: Literal["zero", "mean"] = "zero",
    iterations: Size = 200,
):
    """Fixed and slow points of the first network of every subject, at its last moment.

    Args:
      subjects: a list of `Subject`s.
      starts: states of trajectories under training sequences from which the search begins.
      noise: what is added to them, relative to their standard deviation.
      input: the constant input, zero or the mean of the training sequences.
      iterations: damped Newton steps from each.

    Returns:
      A `Result` with "NAME|z" [P, n], the distinct points; "NAME|speed" [P], |F(z) - z|; "NAME|fixed" [P], whether they
      are fixed rather than slow; "NAME|eigenvalues" [P, n] of the Jacobian; "NAME|trajectories" [T, B, n].
    """
    arrays, rows, findings = {}, [], []
    for subject in subjects:
        refuse_future(subject)
        params = jax.tree.map(lambda a: jnp.asarray(a[-1, 0]), subject.params)
        f, z_0 = dynamics.as_map(subject.experiment.net, params)
        key_data, key_start, key_noise = jax.random.split(jax.random.key(subject.experiment.cfg.seed), 3)
        xs = sequences(subject, 16, key_data).xs
        states = jax.jit(jax.vmap(lambda x, f=f, z_0=z_0: dynamics.trajectory(f, z_0, x), 1, 1))(xs)
        flat = states.reshape(-1, z_0.size)
        chosen = jax.random.choice(key_start, flat, (starts,))
        spread = jnp.std(flat, axis=0)
        chosen += noise * spread * jax.random.normal(key_noise, chosen.shape, chosen.dtype)
        x = jnp.zeros(xs.shape[-1]) if input == "zero" else xs.mean((0, 1))
        points = jax.tree.map(np.asarray, jax.jit(lambda s, x, f=f: find(f, s, x, iterations))(chosen, x))

        size, exact = float(jnp.linalg.norm(spread)), 100 * float(np.sqrt(jnp.finfo(flat.dtype).eps))
        order = np.argsort(points.speed)
        order = order[points.speed[order] < SLOW * max(size, 1e-12)]
        order = order[distinct(points.z[order], APART * max(size, 1e-12))] if len(order) else order
        z, speed = points.z[order], points.speed[order]
        fixed = speed < exact * max(size, 1.0)
        jacobians = np.asarray(jax.jit(jax.vmap(lambda z, f=f, x=x: jax.jacfwd(f)(z, x)))(jnp.asarray(z)))
        eigenvalues = np.linalg.eigvals(jacobians) if len(z) else np.zeros((0, flat.shape[1]), complex)
        name = subject.name
        arrays |= {f"{name}|z": z, f"{name}|speed": speed, f"{name}|fixed": fixed}
        arrays |= {f"{name}|eigenvalues": eigenvalues, f"{name}|trajectories": np.asarray(states)}
        for place, values in enumerate(eigenvalues):
            radius = float(np.abs(values).max())
            row = {"network": name, "point": place + 1, "kind": "fixed" if fixed[place] else "slow"}
            stable = {"spectral_radius": radius, "unstable": int((np.abs(values) > 1).sum())}
            rows.append(row | {"speed": float(speed[place])} | stable)
        stable = int((fixed & (np.abs(eigenvalues).max(axis=1, initial=0) < 1)).sum())
        findings.append(
            f"{name}, step {subject.steps[-1]}: {int(fixed.sum())} fixed points, {stable} of them stable, and "
            f"{int((~fixed).sum())} slow points, from {starts} starts"
        )
    if not rows:
        rows = [dict.fromkeys(("network", "point", "kind", "speed", "spectral_radius", "unstable"), "")]
    return Result(arrays, rows, findings)


def plot(result):
    """The points over trajectories in their two principal components, and the eigenvalues of the Jacobians there."""
    arrays = result.arrays
    names = [key.removesuffix("|speed") for key in arrays if key.endswith("|speed")]
    figure, panels = plotting.panels(len(names), "first principal component", "second principal component")
    spectra, planes = plotting.panels(len(names), "real part", "imaginary part")
    for panel, plane, name in zip(panels, planes, names, strict=True):
        states, z, fixed = (arrays[f"{name}|{key}"] for key in ("trajectories", "z", "fixed"))
        eigenvalues = arrays[f"{name}|eigenvalues"]
        flat = states.reshape(-1, states.shape[-1])
        mean = flat.mean(axis=0)
        axes = np.linalg.svd(flat - mean, full_matrices=False)[2][:2]
        shown = (states - mean) @ axes.T
        panel.plot(shown[..., 0], shown[..., -1], color="0.75", linewidth=0.6)
        stable = np.abs(eigenvalues).max(axis=1, initial=0) < 1
        places = (z - mean) @ axes.T
        kinds = {
            "stable fixed point": (fixed & stable, {"marker": "o", "color": plotting.COLOURS[0]}),
            "unstable fixed point": (fixed & ~stable, {"marker": "X", "color": plotting.COLOURS[1]}),
            "slow point": (~fixed, {"marker": "^", "color": plotting.COLOURS[4]}),
        }
        circle = np.exp(2j * np.pi * np.linspace(0, 1, 200))
        plane.plot(circle.real, circle.imag, color="0.6", linewidth=0.8)
        for label, (of_kind, style) in kinds.items():
            if of_kind.any():
                panel.scatter(places[of_kind, 0], places[of_kind, -1], s=36, label=label, zorder=3, **style)
                values = eigenvalues[of_kind].ravel()
                plane.scatter(values.real, values.imag, s=10, label=label, **style)
        for each in (panel, plane):
            each.set_title(name)
            each.legend(frameon=False, fontsize=8)
        plane.set_aspect("equal")
    return {"fixed_points": figure, "fixed_points_eigenvalues": spectra}
