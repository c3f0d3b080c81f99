"""LSTM with diagonal recurrent weights, peepholes and coupled gates (ParaRNN, Danieli et al. 2025).

    f_t = sigmoid(x_t W_xf + a_f * h_{t-1} + p_f * c_{t-1} + b_f)       forget gate
    g_t =    tanh(x_t W_xg + a_g * h_{t-1} + b_g)                       candidate
    c_t = f_t * c_{t-1} + (1 - f_t) * g_t
    o_t = sigmoid(x_t W_xo + a_o * h_{t-1} + p_o * c_t + b_o)           output gate
    h_t = o_t * tanh(c_t)

Each unit reads only its own state, so the Jacobian of a step has blocks of 2 x 2. Weights hold the gates side by side
in the order f, g, o, and p holds the order f, o.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import carry_dtype, dot
from jaxrnn.initializers import glorot, per_gate
from jaxrnn.types import Cell, Size


class DiagonalLSTMParams(NamedTuple):
    w_x: jax.Array  # [D, 3H]
    a: jax.Array  # [3H]
    p: jax.Array  # [2H]
    b: jax.Array  # [3H]


class DiagonalLSTMCarry(NamedTuple):
    c: jax.Array  # [B, H]
    h: jax.Array  # [B, H]


class DiagonalLSTMGates(NamedTuple):
    f: jax.Array  # [B, H]
    g: jax.Array  # [B, H], the candidate
    o: jax.Array  # [B, H]


@checked
def cell(size: Size, input_init: Callable[..., Any] = glorot()) -> Cell:
    """Diagonal LSTM cell.

    b_f starts at evenly spaced values from 0 to 1. The recurrent weights start normal with variance 4 / (5 H).

    Args:
      size: H, the number of units.
      input_init: initial W_x, drawn gate by gate; the other biases start at zero.
    """

    def init(key, input_size):
        key_x, key_a = jax.random.split(key)
        weights = jax.random.normal(key_a, (5 * size,)) * jnp.sqrt(0.8 / size)
        return DiagonalLSTMParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 3),
            a=weights[: 3 * size],
            p=weights[3 * size :],
            b=jnp.zeros(3 * size).at[:size].set(jnp.linspace(0.0, 1.0, size)),
        )

    def initial(params, batch_shape):
        zeros = jnp.zeros((*batch_shape, size), carry_dtype(params.w_x))
        return DiagonalLSTMCarry(zeros, zeros)

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def c_and_gates(params, carry, u):
        """Returns c_t and the gates."""
        u_f, u_g, u_o = jnp.split(u, 3, axis=-1)
        a_f, a_g, a_o = jnp.split(params.a.astype(u.dtype), 3)
        p_f, p_o = jnp.split(params.p.astype(u.dtype), 2)
        f = jax.nn.sigmoid(u_f + a_f * carry.h + p_f * carry.c)
        g = jnp.tanh(u_g + a_g * carry.h)
        c = f * carry.c + (1 - f) * g
        return c, DiagonalLSTMGates(f, g, o=jax.nn.sigmoid(u_o + a_o * carry.h + p_o * c))

    def gates(params, carry, u):
        return c_and_gates(params, carry, u)[1]

    def step(params, carry, u):
        c, (_, _, o) = c_and_gates(params, carry, u)
        h = o * jnp.tanh(c)
        return DiagonalLSTMCarry(c, h), h

    return Cell(size, init, initial, project, step, gates)
