"""Recurrent weights, the leaves of params named w_h, changed in their size."""

import jax
import jax.numpy as jnp

from jaxrnn.cells._dropout import is_recurrent


def scaled(params, gain, scale):
    """The params with their recurrent weights, the leaves named w_h, times a gain, or of that spectral radius, block by
    block.

    Raises:
      ValueError: if there are none.
    """
    if not any(is_recurrent(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)):
        raise ValueError("it needs recurrent weights, a leaf of the params named w_h")

    def change(path, w):
        if not is_recurrent(path):
            return w
        if scale == "gain":
            return gain * w
        blocks = jnp.split(w, w.shape[1] // w.shape[0], axis=1)
        return jnp.concatenate([gain * b / jnp.max(jnp.abs(jnp.linalg.eigvals(b))) for b in blocks], axis=1)

    return jax.tree_util.tree_map_with_path(change, params)
