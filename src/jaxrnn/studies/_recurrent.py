"""Recurrent weights (the leaves of params named w_h) scaled in size."""

import jax.numpy as jnp

from jaxrnn.recurrent_weights import map_recurrent


def scaled(params, gain, scale):
    """Scales the recurrent weights of params, the leaves named w_h, block by block.

    `scale` is "gain" to multiply them by `gain`, or "radius" to give each block the spectral radius `gain`.

    Raises:
      ValueError: if the params have no leaf w_h.
    """

    def change(w):
        if scale == "gain":
            return gain * w
        blocks = jnp.split(w, w.shape[1] // w.shape[0], axis=1)
        return jnp.concatenate([gain * b / jnp.max(jnp.abs(jnp.linalg.eigvals(b))) for b in blocks], axis=1)

    return map_recurrent(change, params)
