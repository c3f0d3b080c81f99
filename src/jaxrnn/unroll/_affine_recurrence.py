"""Affine recurrences z_t = J_t z_{t-1} + b_t over vectors [T, B, C], for `_newton`.

The Jacobians are full [T, B, C, C] (`block` is None), or block-diagonal [T, B, C / block, block, block], where unit n
owns the values n, n + C / block, ... of a vector.
"""

import jax
import jax.numpy as jnp
from jax import lax


def linearised(function, zs, block):
    """Returns function(zs) and its Jacobians. The first step's Jacobian is set to zero, because z_0 is known.

    A block-diagonal function needs only `block` forward-mode products: a tangent that is one in value l of every unit
    at once gives column l of all blocks.

    Args:
      function: [T, B, C] -> [T, B, C], which acts on each step and sequence by itself.
      zs: [T, B, C].
      block: values per unit, or None.
    """
    size = zs.shape[-1]
    tangents = jnp.eye(size) if block is None else jnp.repeat(jnp.eye(block), size // block, axis=1)
    values, push = jax.linearize(function, zs)
    columns = jax.vmap(lambda e: push(jnp.broadcast_to(e.astype(zs.dtype), zs.shape)), out_axes=-1)(tangents)
    if block is not None:
        columns = columns.reshape(*zs.shape[:-1], block, -1, block).swapaxes(-3, -2)
    return values, columns.at[0].set(0.0)


def times(jacobians, zs, block):
    """Returns J_t z_t for vectors [T, B, C]."""
    if block is None:
        return _product(jacobians, zs[..., None])[..., 0]
    return _vectors(_product(jacobians, _by_unit(zs, block)[..., None])[..., 0], zs.shape)


def solved(jacobians, offsets, block):
    """Solves z_t = J_t z_{t-1} + b_t for all t, with J_1 = 0, by an associative scan."""

    def compose(earlier, later):
        (j_1, b_1), (j_2, b_2) = earlier, later
        return _product(j_2, j_1), _product(j_2, b_1[..., None])[..., 0] + b_2

    shape = offsets.shape
    offsets = offsets if block is None else _by_unit(offsets, block)
    zs = lax.associative_scan(compose, (jacobians, offsets))[1]
    return zs if block is None else _vectors(zs, shape)


def _by_unit(zs, block):
    """Reshapes [T, B, C] to [T, B, C / block, block], one row per unit."""
    return zs.reshape(*zs.shape[:-1], block, -1).swapaxes(-1, -2)


def _vectors(units, shape):
    """Reshapes the result of `_by_unit` back to [T, B, C]."""
    return units.swapaxes(-1, -2).reshape(shape)


def _product(a, b):
    """Multiplies [..., n, n] by [..., n, m]. Small products are sums, which XLA fuses into one loop."""
    if a.shape[-1] > 4:
        return a @ b
    return jnp.sum(a[..., :, :, None] * b[..., None, :, :], axis=-2)
