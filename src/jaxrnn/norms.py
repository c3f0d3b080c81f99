"""Norms that neither underflow nor overflow while the values themselves do not: the largest value is divided out
before squaring. The square of a float32 below 1e-19 is zero; gradients that vanish get there within 50 steps."""

from typing import Any

import jax
import jax.numpy as jnp


def norm(values: jax.Array, axis: Any = None) -> jax.Array:
    """The L2 norm along an axis, by default of all values."""
    largest = _scale(jnp.max(jnp.abs(values), axis=axis, keepdims=True, initial=0.0))
    return jnp.squeeze(largest, axis) * jnp.sqrt(jnp.sum((values / largest) ** 2, axis=axis))


def tree_norm(tree: Any) -> jax.Array:
    """The L2 norm of all values of a tree, as that of one vector."""
    return norm(jnp.stack([norm(leaf) for leaf in jax.tree.leaves(tree)]))


def unit(tree: Any) -> Any:
    """The tree divided by its norm; zeros stay zeros."""
    largest = _scale(jnp.max(jnp.stack([jnp.max(jnp.abs(leaf), initial=0.0) for leaf in jax.tree.leaves(tree)])))
    scaled = jax.tree.map(lambda leaf: leaf / largest, tree)
    length = _scale(tree_norm(scaled))
    return jax.tree.map(lambda leaf: leaf / length, scaled)


def smallest(dtype: Any) -> float:
    """The smallest norm that a format can tell: below it, sums lose terms that underflow (1e-31 in float32)."""
    limits = jnp.finfo(dtype)
    return float(limits.tiny) / float(limits.eps)


def _scale(largest):
    """What to divide by, whose inverse is a number of its type too: one for zero, infinity and NaN."""
    usual = (largest > 0) & jnp.isfinite(largest)
    return jnp.where(usual, jnp.minimum(largest, 0.25 / jnp.finfo(largest.dtype).tiny), 1.0)
