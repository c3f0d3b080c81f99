"""Fixed and slow points of a map under a constant input (Sussillo & Barak 2013), by damped Newton steps."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.arrays import AnyArray


class Points(NamedTuple):
    """The results of a search, one per start.

    Fields:
      z: [P, n], the last point of each search.
      speed: [P], |f(z, x) - z|; zero at a fixed point.
      flat: [P], the norm of the gradient of q(z) = |f(z, x) - z|^2 / 2; small at a minimum of q.
    """

    z: jax.Array
    speed: jax.Array
    flat: jax.Array


def find_points(f: Callable[..., Any], starts: AnyArray, x: Any, iterations: int = 200) -> Points:
    """Minimizes |f(z, x) - z|^2 / 2 from every start.

    Args:
      f: map (z [n], x [D]) -> z'.
      starts: [P, n].
      x: the constant input [D].
      iterations: number of damped Newton steps.

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


def distinct(z: AnyArray, apart: float) -> Any:
    """Returns the indices of distinct points z [P, n]: each is farther than `apart` from all returned before it."""
    indices = []
    for index, point in enumerate(z):
        if all(np.linalg.norm(point - z[other]) > apart for other in indices):
            indices.append(index)
    return indices
