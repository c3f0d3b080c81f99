"""L2 norms that neither underflow nor overflow if the values themselves do not.

The values are divided by the largest one before they are squared. The square of a float32 below 1e-19 would be zero,
and vanishing gradients fall below that within 50 steps.
"""

from typing import Any

import jax
import jax.numpy as jnp


def norm(values: jax.Array, axis: Any = None) -> jax.Array:
    """L2 norm along an axis, or of all values if `axis` is None."""
    largest = _scale(jnp.max(jnp.abs(values), axis=axis, keepdims=True, initial=0.0))
    return jnp.squeeze(largest, axis) * jnp.sqrt(jnp.sum((values / largest) ** 2, axis=axis))


def tree_norm(tree: Any) -> jax.Array:
    """L2 norm of all values of a tree, as if they were one vector."""
    return norm(jnp.stack([norm(leaf) for leaf in jax.tree.leaves(tree)]))


def unit(tree: Any) -> Any:
    """Divides a tree by its norm; a tree of zeros stays zero."""
    largest = _scale(jnp.max(jnp.stack([jnp.max(jnp.abs(leaf), initial=0.0) for leaf in jax.tree.leaves(tree)])))
    scaled = jax.tree.map(lambda leaf: leaf / largest, tree)
    length = _scale(tree_norm(scaled))
    return jax.tree.map(lambda leaf: leaf / length, scaled)


def smallest(dtype: Any) -> float:
    """Returns the smallest reliable norm in a dtype (1e-31 in float32); below it, terms of the sums underflow."""
    limits = jnp.finfo(dtype)
    return float(limits.tiny) / float(limits.eps)


def _scale(largest):
    """Returns a divisor near `largest` whose inverse is finite; 1 for zero, infinity and NaN."""
    usual = (largest > 0) & jnp.isfinite(largest)
    return jnp.where(usual, jnp.minimum(largest, 0.25 / jnp.finfo(largest.dtype).tiny), 1.0)
