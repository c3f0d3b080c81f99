"""LSTM whose input gate is one minus the forget gate (Greff et al. 2017, "LSTM: a search space odyssey").

    f_t = sigmoid(x_t W_xf + h_{t-1} W_hf + b_f)        forget gate; the input gate is 1 - f_t
    g_t =    tanh(x_t W_xg + h_{t-1} W_hg + b_g)        candidate
    o_t = sigmoid(x_t W_xo + h_{t-1} W_ho + b_o)        output gate
    c_t = f_t * c_{t-1} + (1 - f_t) * g_t
    h_t = o_t * tanh(c_t)

Weights hold the gates side by side in the order f, g, o.
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


class CoupledLSTMParams(NamedTuple):
    w_x: jax.Array  # [D, 3H]
    w_h: jax.Array  # [H, 3H]
    b: jax.Array  # [3H]


class CoupledLSTMCarry(NamedTuple):
    c: jax.Array  # [B, H]
    h: jax.Array  # [B, H]


class CoupledLSTMGates(NamedTuple):
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
    """LSTM cell with coupled gates.

    Args:
      size: H, the number of units.
      forget_bias: initial b_f; the other biases start at zero.
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate.
    """

    def init(key, input_size):
        key_x, key_h = jax.random.split(key)
        return CoupledLSTMParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 3),
            w_h=per_gate(recurrent_init, key_h, (size, size), 3),
            b=jnp.zeros(3 * size).at[:size].set(forget_bias),
        )

    def initial(params, batch_shape):
        zeros = jnp.zeros((*batch_shape, size), carry_dtype(params.w_h))
        return CoupledLSTMCarry(c=zeros, h=zeros)

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def gates(params, carry, u):
        return CoupledLSTMGates(*activate(u + dot(carry.h, params.w_h), "sts"))

    def combine(params, carry, u, a):
        f, g, o = activate(u + a, "sts")
        c = f * carry.c + (1 - f) * g
        h = o * jnp.tanh(c)
        return CoupledLSTMCarry(c, h), h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine), gates)
