"""How far a gradient is from the exact one."""

import jax.numpy as jnp
import optax


def compared(full, cut):
    """(cosine, ratio of norms) [2] between a gradient and the full one, pytrees of the same shapes."""
    norms = optax.tree.norm(full), optax.tree.norm(cut)
    tiny = jnp.finfo(norms[0].dtype).tiny
    cosine = optax.tree.vdot(full, cut) / jnp.maximum(norms[0] * norms[1], tiny)
    return jnp.stack([cosine, norms[1] / jnp.maximum(norms[0], tiny)])
