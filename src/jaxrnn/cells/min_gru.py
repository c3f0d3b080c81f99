"""Minimal GRU, Feng et al. 2024, "Were RNNs all we needed?": the gates do not read the state.

    z_t = sigmoid(x_t W_xz + b_z)            share of the candidate in h_t
    n_t = phi(x_t W_xn + b_n)                candidate
    h_t = (1 - z_t) * h_{t-1} + z_t * n_t

phi is the identity, or the positive function that the paper needs for its version in logarithms: a + 1/2 for a >= 0,
otherwise sigmoid(a). Weights hold the gates side by side in the order z, n.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import CANDIDATES, carry_dtype, dot
from jaxrnn.cells.structure import Linear
from jaxrnn.initializers import glorot, per_gate
from jaxrnn.types import Cell, Size


class MinGRUParams(NamedTuple):
    w_x: jax.Array  # [D, 2H]
    b: jax.Array  # [2H]


class MinGRUCarry(NamedTuple):
    h: jax.Array  # [B, H]


class MinGRUGates(NamedTuple):
    f: jax.Array  # [B, H], 1 - z, the share of the old state
    n: jax.Array  # [B, H], the candidate


@checked
def cell(
    size: Size,
    candidate: Literal["linear", "positive"] = "linear",
    bias: float = 0.0,
    input_init: Callable[..., Any] = glorot(),
) -> Cell:
    """minGRU cell.

    Args:
      size: H, the number of units.
      candidate: phi.
      bias: initial b_z; below zero units keep their state for longer. b_n starts at zero.
      input_init: initial W_x, drawn gate by gate.
    """

    def init(key, input_size):
        w_x = per_gate(input_init, key, (input_size, size), 2)
        return MinGRUParams(w_x, jnp.concatenate([jnp.full(size, bias, float), jnp.zeros(size)]))

    def initial(params, batch_shape):
        return MinGRUCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_x)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def gates(params, carry, u):
        return MinGRUGates(jax.nn.sigmoid(-u[..., :size]), CANDIDATES[candidate](u[..., size:]))

    def coefficients(params, u):
        f, n = gates(params, None, u)
        return f, (1 - f) * n

    step = Linear(coefficients, lambda params, h: h, state=lambda carry: carry.h, carry=MinGRUCarry)
    return Cell(size, init, initial, project, step, gates)
