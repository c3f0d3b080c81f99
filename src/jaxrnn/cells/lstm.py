"""Long short-term memory, Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000.

    i_t = sigmoid(x_t W_xi + h_{t-1} W_hi + b_i)        input gate
    f_t = sigmoid(x_t W_xf + h_{t-1} W_hf + b_f)        forget gate
    g_t =    tanh(x_t W_xg + h_{t-1} W_hg + b_g)        candidate
    o_t = sigmoid(x_t W_xo + h_{t-1} W_ho + b_o)        output gate
    c_t = f_t * c_{t-1} + i_t * g_t
    h_t = o_t * tanh(c_t)

Weights hold the gates side by side in the order i, f, g, o.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn import initializers
from jaxrnn.arguments import checked
from jaxrnn.cells.step import activate, carry_dtype, dot
from jaxrnn.cells.structure import Step
from jaxrnn.types import Cell, Lag, Size


class LSTMParams(NamedTuple):
    w_x: jax.Array  # [D, 4H]
    w_h: jax.Array  # [H, 4H]
    b: jax.Array  # [4H]


class LSTMCarry(NamedTuple):
    c: jax.Array  # [B, H]
    h: jax.Array  # [B, H]


class LSTMGates(NamedTuple):
    i: jax.Array  # [B, H]
    f: jax.Array  # [B, H]
    g: jax.Array  # [B, H], the candidate
    o: jax.Array  # [B, H]


@checked
def cell(
    size: Size,
    forget_bias: float = 1.0,
    chrono: Lag | None = None,
    input_init: Callable[..., Any] = initializers.glorot(),
    recurrent_init: Callable[..., Any] = initializers.orthogonal(),
) -> Cell:
    """LSTM cell.

    Args:
      size: H, the number of units.
      forget_bias: initial b_f; Jozefowicz et al. 2015 advise 1. The other biases start at zero.
      chrono: longest expected lag in steps, above 2; then b_f starts at ln U[1, chrono - 1] and b_i at -b_f
        (Tallec & Ollivier 2018).
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate.
    """

    def init(key, input_size):
        key_x, key_h, key_b = jax.random.split(key, 3)
        if chrono is None:
            b_i, b_f = jnp.zeros(size), jnp.full(size, forget_bias, float)
        else:
            b_f = initializers.chrono(key_b, size, chrono)
            b_i = -b_f
        return LSTMParams(
            w_x=initializers.per_gate(input_init, key_x, (input_size, size), 4),
            w_h=initializers.per_gate(recurrent_init, key_h, (size, size), 4),
            b=jnp.concatenate([b_i, b_f, jnp.zeros(2 * size)]),
        )

    def initial(params, batch_shape):
        zeros = jnp.zeros((*batch_shape, size), carry_dtype(params.w_h))
        return LSTMCarry(c=zeros, h=zeros)

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def gates(params, carry, u):
        return LSTMGates(*activate(u + dot(carry.h, params.w_h), "ssts"))

    def combine(params, carry, u, a):
        i, f, g, o = activate(u + a, "ssts")
        c = f * carry.c + i * g
        h = o * jnp.tanh(c)
        return LSTMCarry(c, h), h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine, equations="lstm"), gates)
