"""GRU with diagonal recurrent weights (ParaRNN, Danieli et al. 2025): each unit reads only its own state.

    z_t = sigmoid(x_t W_xz + a_z * h_{t-1} + b_z)       update gate
    r_t = sigmoid(x_t W_xr + a_r * h_{t-1} + b_r)       reset gate
    n_t =    tanh(x_t W_xn + a_n * (r_t * h_{t-1}) + b_n)
    h_t = (1 - z_t) * h_{t-1} + z_t * n_t

z_t is the share of the candidate in h_t. The Jacobian of a step is diagonal. Weights hold the gates side by side in the
order z, r, n.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import activate, carry_dtype, dot
from jaxrnn.initializers import glorot, per_gate
from jaxrnn.types import Cell, Size


class DiagonalGRUParams(NamedTuple):
    w_x: jax.Array  # [D, 3H]
    a: jax.Array  # [3H]
    b: jax.Array  # [3H]


class DiagonalGRUCarry(NamedTuple):
    h: jax.Array  # [B, H]


class DiagonalGRUGates(NamedTuple):
    f: jax.Array  # [B, H], 1 - z, the share of the old state
    r: jax.Array  # [B, H]
    n: jax.Array  # [B, H], the candidate


@checked
def cell(size: Size, input_init: Callable[..., Any] = glorot()) -> Cell:
    """Diagonal GRU cell.

    b_z starts at evenly spaced values from 0 to -1. The recurrent weights start normal with variance 4 / (5 H).

    Args:
      size: H, the number of units.
      input_init: initial W_x, drawn gate by gate; the other biases start at zero.
    """

    def init(key, input_size):
        key_x, key_a = jax.random.split(key)
        return DiagonalGRUParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 3),
            a=jax.random.normal(key_a, (3 * size,)) * jnp.sqrt(0.8 / size),
            b=jnp.zeros(3 * size).at[:size].set(-jnp.linspace(0.0, 1.0, size)),
        )

    def initial(params, batch_shape):
        return DiagonalGRUCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_x)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def gates(params, carry, u):
        a, twice = params.a.astype(u.dtype), jnp.concatenate([carry.h, carry.h], axis=-1)
        z, r = activate(u[..., : 2 * size] + a[: 2 * size] * twice, "ss")
        return DiagonalGRUGates(1 - z, r, jnp.tanh(u[..., 2 * size :] + a[2 * size :] * r * carry.h))

    def step(params, carry, u):
        f, _, n = gates(params, carry, u)
        h = f * carry.h + (1 - f) * n
        return DiagonalGRUCarry(h), h

    return Cell(size, init, initial, project, step, gates)
