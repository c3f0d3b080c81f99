"""Distance of a gradient from the exact one."""

import jax.numpy as jnp
import optax

from jaxrnn.norms import tree_norm, unit


def compare_gradients(full, cut):
    """Returns (cosine, ratio of norms) [2] of a gradient relative to the full one, pytrees of the same shapes."""
    size = tree_norm(full)
    ratio = tree_norm(cut) / jnp.where(size > 0, size, 1.0)
    return jnp.stack([optax.tree.vdot(unit(full), unit(cut)), ratio])
