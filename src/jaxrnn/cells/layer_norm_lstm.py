"""LSTM with layer normalisation, Ba, Kiros & Hinton 2016, eqs. 20 to 22.

    (i, f, g, o) = LN(x_t W_x) + LN(h_{t-1} W_h) + b    each LN over all gates together
    c_t = sigmoid(f) * c_{t-1} + sigmoid(i) * tanh(g)
    h_t = sigmoid(o) * tanh(LN(c_t) + b_c)

LN subtracts the mean, divides by the standard deviation, and multiplies by its own gain. Weights hold the gates side by
side in the order i, f, g, o.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells._norm import layer_norm
from jaxrnn.cells.step import activate, carry_dtype, dot
from jaxrnn.cells.structure import Step
from jaxrnn.initializers import glorot, orthogonal, per_gate
from jaxrnn.types import Cell, Positive, Size


class LayerNormLSTMParams(NamedTuple):
    w_x: jax.Array  # [D, 4H]
    w_h: jax.Array  # [H, 4H]
    b: jax.Array  # [4H]
    gain_x: jax.Array  # [4H]
    gain_h: jax.Array  # [4H]
    gain_c: jax.Array  # [H]
    b_c: jax.Array  # [H]


class LayerNormLSTMCarry(NamedTuple):
    c: jax.Array  # [B, H]
    h: jax.Array  # [B, H]


class LayerNormLSTMGates(NamedTuple):
    i: jax.Array  # [B, H]
    f: jax.Array  # [B, H]
    g: jax.Array  # [B, H], the candidate
    o: jax.Array  # [B, H]


@checked
def cell(
    size: Size,
    forget_bias: float = 1.0,
    epsilon: Positive = 1e-5,
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = orthogonal(),
) -> Cell:
    """LSTM cell with layer normalisation.

    Args:
      size: H, the number of units.
      forget_bias: initial b_f; the other biases start at zero, the gains at one.
      epsilon: constant added to a variance.
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate.
    """

    def init(key, input_size):
        key_x, key_h = jax.random.split(key)
        return LayerNormLSTMParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 4),
            w_h=per_gate(recurrent_init, key_h, (size, size), 4),
            b=jnp.zeros(4 * size).at[size : 2 * size].set(forget_bias),
            gain_x=jnp.ones(4 * size),
            gain_h=jnp.ones(4 * size),
            gain_c=jnp.ones(size),
            b_c=jnp.zeros(size),
        )

    def initial(params, batch_shape):
        zeros = jnp.zeros((*batch_shape, size), carry_dtype(params.w_h))
        return LayerNormLSTMCarry(c=zeros, h=zeros)

    def project(params, x):
        return layer_norm(dot(x, params.w_x), params.gain_x, epsilon) + params.b

    def values(params, u, a):
        return LayerNormLSTMGates(*activate(u + layer_norm(a, params.gain_h, epsilon), "ssts"))

    def gates(params, carry, u):
        return values(params, u, dot(carry.h, params.w_h))

    def combine(params, carry, u, a):
        i, f, g, o = values(params, u, a)
        c = f * carry.c + i * g
        h = o * jnp.tanh(layer_norm(c, params.gain_c, epsilon) + params.b_c)
        return LayerNormLSTMCarry(c, h), h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine, unit_by_unit=False), gates)
