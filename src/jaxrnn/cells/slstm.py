"""sLSTM, Beck et al. 2024, "xLSTM": exponential gates, kept in range by a running maximum.

    (i, f, z, o) = x_t W_x + h_{t-1} W_h + b            pre-activations
    m_t = max(i, m_{t-1} + ln sigmoid(f))               logarithm of the divisor of the gates
    i_t = exp(i - m_t),  f_t = exp(m_{t-1} + ln sigmoid(f) - m_t)
    c_t = f_t * c_{t-1} + i_t * tanh(z)
    n_t = f_t * n_{t-1} + i_t
    h_t = sigmoid(o) * c_t / n_t

h does not depend on m, because c and n have the same divisor. In the paper W_h has one block per head; here it is one
block. Weights hold the gates side by side in the order i, f, z, o.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import carry_dtype, dot
from jaxrnn.cells.structure import Step
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
    """sLSTM cell. b_f starts at evenly spaced values from 5 to 12, as in the first block of the paper.

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

    def carry_and_gates(carry, block):
        """Returns the carry after a step, and the gates of the step."""
        i, f, z, o = jnp.split(block, 4, axis=-1)
        log_f = carry.m + jax.nn.log_sigmoid(f)  # before the division
        m = jnp.maximum(i, log_f)
        i, f, g, o = jnp.exp(i - m), jnp.exp(log_f - m), jnp.tanh(z), jax.nn.sigmoid(o)
        n = f * carry.n + i
        c = f * carry.c + i * g
        divisor = jnp.maximum(n, jnp.finfo(n.dtype).tiny)  # n is zero if i underflows at the first step
        return SLSTMCarry(c, n, m, o * c / divisor), SLSTMGates(i / divisor, f * carry.n / divisor, g, o)

    def gates(params, carry, u):
        return carry_and_gates(carry, u + dot(carry.h, params.w_h))[1]

    def combine(params, carry, u, a):
        new_carry, _ = carry_and_gates(carry, u + a)
        return new_carry, new_carry.h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine), gates)
