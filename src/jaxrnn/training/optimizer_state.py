"""The one layout of an optimizer's state on disk, in vectors, and the way there and back from trees like the params.

`optax.flatten` gives a rule one vector instead of the params; what the rule keeps for them is then a vector too.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree


@jax.jit
def flattened(states):
    """The optimizer states of many runs, trees like the params, leaves [N, ...], in vectors [N, ...].

    Args:
      states: the runs' `TrainState`, leaves [N, ...].
    """
    return jax.vmap(_flattened)(states.opt_state, states.params)


def unflattened(states, shapes):
    """What `flattened` was given.

    Args:
      states: the runs' `TrainState` with their optimizer states in vectors, leaves [N, ...].
      shapes: of the optimizer states in trees, leaves [N, ...].
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
    return jax.tree.map(lambda part, own: unravel(own) if is_part(part) else own, like, flat, is_leaf=is_part)


@jax.jit
def _all_unflattened(flat, like, params):
    return jax.vmap(_unflattened)(flat, like, params)


def _like(params):
    """Whether a part of a state is a tree like the params."""
    structure, shapes = jax.tree.structure(params), [leaf.shape for leaf in jax.tree.leaves(params)]

    def is_part(part):
        return jax.tree.structure(part) == structure and [leaf.shape for leaf in jax.tree.leaves(part)] == shapes

    return is_part
