"""Parts of the params that are not trained."""

import jax
import jax.numpy as jnp


def zero_frozen(frozen, tree):
    """Returns a tree like the params with zeros in the frozen parts; `frozen` is the field of a `Task`."""
    if frozen is None:
        return tree
    return jax.tree.map(lambda is_frozen, part: jax.tree.map(jnp.zeros_like, part) if is_frozen else part, frozen, tree)
