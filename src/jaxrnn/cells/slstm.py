"""The sLSTM of Beck et al. 2024, "xLSTM": exponential gates, kept in range by a running maximum.

    (i, f, z, o) = x_t W_x + h_{t-1} W_h + b            pre-activations
    m_t = max(i, m_{t-1} + ln sigmoid(f))               what the gates are divided by, in logarithms
    i_t = exp(i - m_t),  f_t = exp(m_{t-1} + ln sigmoid(f) - m_t)
    c_t = f_t * c_{t-1} + i_t * tanh(z)
    n_t = f_t * n_{t-1} + i_t
    h_t = sigmoid(o) * c_t / n_t

h does not depend on m: c and n are divided by the same number. The paper's W_h has blocks, one a head; here it is one
block. Weights hold the gates side by side in the order i, f, z, o.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells._step import Step, carry_dtype, dot
from jaxrnn.initializers import glorot, orthogonal, per_gate
from jaxrnn.types import Cell, Size


class SLSTMParams(NamedTuple):
    w_x: jax.Array  # [D, 4H]
    w_h: jax.Array  # [H, 4H]
    b: jax.Array  # [4H]


class SLSTMCarry(NamedTuple):
    c: jax.Array  # [B, H]
    n: jax.Array  # [B, H]
    m: jax.Array  # [B, H]
    h: jax.Array  # [B, H]


class SLSTMGates(NamedTuple):
    i: jax.Array  # [B, H], i_t / n_t, the share of the candidate in c_t / n_t
    f: jax.Array  # [B, H], f_t n_{t-1} / n_t, the share of c_{t-1} / n_{t-1}
    g: jax.Array  # [B, H], tanh(z), the candidate
    o: jax.Array  # [B, H]


@checked
def cell(
    size: Size, input_init: Callable[..., Any] = glorot(), recurrent_init: Callable[..., Any] = orthogonal()
) -> Cell:
    """An sLSTM cell. b_f starts at values from 5 to 12, equally far apart, as in the paper's first block.

    Args:
      size: H, the number of units.
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate; the other biases start at zero.
    """

    def init(key, input_size):
        key_x, key_h = jax.random.split(key)
        return SLSTMParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 4),
            w_h=per_gate(recurrent_init, key_h, (size, size), 4),
            b=jnp.zeros(4 * size).at[size : 2 * size].set(jnp.linspace(5.0, 12.0, size)),
        )

    def initial(params, batch_shape):
        zeros = jnp.zeros((*batch_shape, size), carry_dtype(params.w_h))
        return SLSTMCarry(zeros, zeros, zeros, zeros)

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def after(carry, block):
        """(the carry after a step, its gates)."""
        i, f, z, o = jnp.split(block, 4, axis=-1)
        kept = carry.m + jax.nn.log_sigmoid(f)
        m = jnp.maximum(i, kept)
        i, f, g, o = jnp.exp(i - m), jnp.exp(kept - m), jnp.tanh(z), jax.nn.sigmoid(o)
        n = f * carry.n + i
        c = f * carry.c + i * g
        below = jnp.maximum(n, jnp.finfo(n.dtype).tiny)  # at the first step i may underflow
        return SLSTMCarry(c, n, m, o * c / below), SLSTMGates(i / below, f * carry.n / below, g, o)

    def gates(params, carry, u):
        return after(carry, u + dot(carry.h, params.w_h))[1]

    def combine(params, carry, u, a):
        new, _ = after(carry, u + a)
        return new, new.h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine), gates)
