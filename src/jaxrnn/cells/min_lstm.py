"""Minimal LSTM, Feng et al. 2024, "Were RNNs all we needed?": the gates do not read the state.

    f_t = sigmoid(x_t W_xf + b_f)            forget gate
    i_t = sigmoid(x_t W_xi + b_i)            input gate
    n_t = phi(x_t W_xn + b_n)                candidate
    h_t = (f_t * h_{t-1} + i_t * n_t) / (f_t + i_t)

phi is the identity, or a + 1/2 for a >= 0 and otherwise sigmoid(a). Weights hold the gates side by side in the order
f, i, n.
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


class MinLSTMParams(NamedTuple):
    w_x: jax.Array  # [D, 3H]
    b: jax.Array  # [3H]


class MinLSTMCarry(NamedTuple):
    h: jax.Array  # [B, H]


class MinLSTMGates(NamedTuple):
    f: jax.Array  # [B, H], f / (f + i), the share of the old state
    n: jax.Array  # [B, H], the candidate


@checked
def cell(
    size: Size,
    candidate: Literal["linear", "positive"] = "linear",
    forget_bias: float = 0.0,
    input_init: Callable[..., Any] = glorot(),
) -> Cell:
    """minLSTM cell.

    Args:
      size: H, the number of units.
      candidate: phi.
      forget_bias: initial b_f; the other biases start at zero.
      input_init: initial W_x, drawn gate by gate.
    """
    phi = CANDIDATES[candidate]

    def init(key, input_size):
        w_x = per_gate(input_init, key, (input_size, size), 3)
        return MinLSTMParams(w_x, jnp.concatenate([jnp.full(size, forget_bias, float), jnp.zeros(2 * size)]))

    def initial(params, batch_shape):
        return MinLSTMCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_x)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def gates(params, carry, u):
        f, i, n = jnp.split(u, 3, axis=-1)
        share = jax.nn.sigmoid(jax.nn.log_sigmoid(f) - jax.nn.log_sigmoid(i))  # f / (f + i), accurate for tiny f and i
        return MinLSTMGates(share, phi(n))

    def coefficients(params, u):
        f, n = gates(params, None, u)
        return f, (1 - f) * n

    step = Linear(coefficients, lambda params, h: h, state=lambda carry: carry.h, carry=MinLSTMCarry)
    return Cell(size, init, initial, project, step, gates)
