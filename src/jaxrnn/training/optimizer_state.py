"""Converts optimizer states between trees with the structure of the params, and vectors, the layout on disk.

`optax.flatten` passes a rule one vector in place of the params, so the rule's state for them is a vector too.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree


@jax.jit
def flattened(states):
    """Converts the optimizer states of N runs from trees like the params to vectors [N, ...].

    Args:
      states: a `TrainState` of N runs, leaves [N, ...].
    """
    return jax.vmap(_flattened)(states.opt_state, states.params)


def unflattened(states, shapes):
    """Converts the optimizer states of N runs back from vectors to trees; the inverse of `flattened`.

    Args:
      states: a `TrainState` of N runs with its optimizer state in vectors, leaves [N, ...].
      shapes: shapes and types of the optimizer state in trees, leaves [N, ...].
    """
    like = jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), shapes)
    return _all_unflattened(states.opt_state, like, states.params)


def _flattened(opt_state, params):
    is_part = _like(params)
    return jax.tree.map(
        lambda part: jnp.concatenate([a.ravel() for a in jax.tree.leaves(part)]) if is_part(part) else part,
        opt_state,
        is_leaf=is_part,
    )


def _unflattened(flat, like, params):
    is_part, unravel = _like(params), ravel_pytree(params)[1]
    return jax.tree.map(lambda part, vector: unravel(vector) if is_part(part) else vector, like, flat, is_leaf=is_part)


@jax.jit
def _all_unflattened(flat, like, params):
    return jax.vmap(_unflattened)(flat, like, params)


def _like(params):
    """Returns the test whether a part of an optimizer state is a tree like the params."""
    structure, shapes = jax.tree.structure(params), [leaf.shape for leaf in jax.tree.leaves(params)]

    def is_part(part):
        return jax.tree.structure(part) == structure and [leaf.shape for leaf in jax.tree.leaves(part)] == shapes

    return is_part
