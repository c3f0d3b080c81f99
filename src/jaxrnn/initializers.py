"""Initial weights: factories of `(key, shape) -> array`, applied gate by gate.

A gain may be a traced value, so runs with different gains share one compiled program.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked


@checked
def orthogonal(gain: Any = 1.0) -> Callable[..., jax.Array]:
    """gain * Q with Q orthogonal (orthonormal rows or columns if not square), Haar-distributed.

    Saxe, McClelland & Ganguli 2014. Every singular value is `gain`.
    """
    draw = jax.nn.initializers.orthogonal()
    return lambda key, shape: gain * draw(key, shape)


@checked
def glorot(gain: Any = 1.0) -> Callable[..., jax.Array]:
    """gain * U[-a, a] with a = sqrt(6 / (in + out)). Glorot & Bengio 2010, eq. 16."""
    draw = jax.nn.initializers.glorot_uniform()
    return lambda key, shape: gain * draw(key, shape)


@checked
def gaussian(gain: Any = 1.0) -> Callable[..., jax.Array]:
    """Normal entries of variance gain**2 / in; the spectral radius of a square draw tends to `gain` (circular law)."""
    return lambda key, shape: gain * jax.random.normal(key, shape) / jnp.sqrt(1.0 * shape[0])


@checked
def identity(gain: Any = 1.0) -> Callable[..., jax.Array]:
    """gain * I. With ReLU units this is the IRNN of Le, Jaitly & Hinton 2015."""
    return lambda key, shape: gain * jnp.eye(*shape)


@checked
def spectral(rho: Any = 1.0) -> Callable[..., jax.Array]:
    """Gaussian matrix, scaled so that its spectral radius max |eigenvalue| is exactly `rho`. Jaeger 2001.

    Raises:
      ValueError: at the draw, if the shape is not square.
    """

    def draw(key, shape):
        if shape[0] != shape[1]:
            raise ValueError(f"spectral: expected a square matrix, got {shape[0]} x {shape[1]}")
        w = jax.random.normal(key, shape)
        return rho * w / jnp.max(jnp.abs(jnp.linalg.eigvals(w)))

    return draw


def per_gate(init: Any, key: jax.Array, shape: Any, gates: Any) -> jax.Array:
    """Draws an [n, H] block per gate, independently, and joins the blocks to [n, gates * H].

    One orthogonal draw of the joint [H, 4H] matrix would give the blocks of the gates singular values near zero.
    """
    blocks = lax.map(lambda k: init(k, shape), jax.random.split(key, gates))  # compiles a single draw
    return jnp.concatenate(list(blocks), axis=-1)


def chrono(key: jax.Array, size: Any, t_max: Any) -> jax.Array:
    """Draws the bias ln U[1, t_max - 1] of a gate that keeps the state: the units then forget over 1 to t_max steps.

    Tallec & Ollivier 2018, eq. 16. `t_max` is in steps, above 2. Returns [size].
    """
    return jnp.log(jax.random.uniform(key, (size,), minval=1.0, maxval=t_max - 1.0))
