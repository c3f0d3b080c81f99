"""LSTM with peephole connections, Gers, Schraudolph & Schmidhuber 2002.

    i_t = sigmoid(x_t W_xi + h_{t-1} W_hi + p_i * c_{t-1} + b_i)        input gate
    f_t = sigmoid(x_t W_xf + h_{t-1} W_hf + p_f * c_{t-1} + b_f)        forget gate
    g_t =    tanh(x_t W_xg + h_{t-1} W_hg + b_g)                        candidate
    c_t = f_t * c_{t-1} + i_t * g_t
    o_t = sigmoid(x_t W_xo + h_{t-1} W_ho + p_o * c_t + b_o)            output gate
    h_t = o_t * tanh(c_t)

Weights hold the gates side by side in the order i, f, g, o, and p holds the order i, f, o.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import activate, carry_dtype, dot
from jaxrnn.cells.structure import Step
from jaxrnn.initializers import glorot, orthogonal, per_gate
from jaxrnn.types import Cell, Size


class PeepholeLSTMParams(NamedTuple):
    w_x: jax.Array  # [D, 4H]
    w_h: jax.Array  # [H, 4H]
    p: jax.Array  # [3H]
    b: jax.Array  # [4H]


class PeepholeLSTMCarry(NamedTuple):
    c: jax.Array  # [B, H]
    h: jax.Array  # [B, H]


class PeepholeLSTMGates(NamedTuple):
    i: jax.Array  # [B, H]
    f: jax.Array  # [B, H]
    g: jax.Array  # [B, H], the candidate
    o: jax.Array  # [B, H]


@checked
def cell(
    size: Size,
    forget_bias: float = 1.0,
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = orthogonal(),
) -> Cell:
    """LSTM cell with peepholes, which start at zero.

    Args:
      size: H, the number of units.
      forget_bias: initial b_f; the other biases start at zero.
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate.
    """

    def init(key, input_size):
        key_x, key_h = jax.random.split(key)
        return PeepholeLSTMParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 4),
            w_h=per_gate(recurrent_init, key_h, (size, size), 4),
            p=jnp.zeros(3 * size),
            b=jnp.zeros(4 * size).at[size : 2 * size].set(forget_bias),
        )

    def initial(params, batch_shape):
        zeros = jnp.zeros((*batch_shape, size), carry_dtype(params.w_h))
        return PeepholeLSTMCarry(c=zeros, h=zeros)

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def gates_and_c(params, c_before, block):
        """Returns the gates and c_t from the pre-activations without peepholes."""
        p_i, p_f, p_o = jnp.split(params.p, 3)
        peepholes = jnp.concatenate([p_i * c_before, p_f * c_before, jnp.zeros_like(c_before)], axis=-1)
        i, f, g = activate(block[..., : 3 * size] + peepholes, "sst")
        c = f * c_before + i * g
        return PeepholeLSTMGates(i, f, g, o=jax.nn.sigmoid(block[..., 3 * size :] + p_o * c)), c

    def gates(params, carry, u):
        return gates_and_c(params, carry.c, u + dot(carry.h, params.w_h))[0]

    def combine(params, carry, u, a):
        gates, c = gates_and_c(params, carry.c, u + a)
        h = gates.o * jnp.tanh(c)
        return PeepholeLSTMCarry(c, h), h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine), gates)
