"""Update-gate network, Collins, Sohl-Dickstein & Sussillo 2017, "Capacity and trainability".

    f_t = sigmoid(x_t W_xf + h_{t-1} W_hf + b_f)        forget gate
    n_t =    tanh(x_t W_xn + h_{t-1} W_hn + b_n)        candidate
    h_t = f_t * h_{t-1} + (1 - f_t) * n_t

Weights hold the gates side by side in the order f, n.
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


class UGRNNParams(NamedTuple):
    w_x: jax.Array  # [D, 2H]
    w_h: jax.Array  # [H, 2H]
    b: jax.Array  # [2H]


class UGRNNCarry(NamedTuple):
    h: jax.Array  # [B, H]


class UGRNNGates(NamedTuple):
    f: jax.Array  # [B, H]
    n: jax.Array  # [B, H], the candidate


@checked
def cell(
    size: Size,
    forget_bias: float = 1.0,
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = orthogonal(),
) -> Cell:
    """UGRNN cell.

    Args:
      size: H, the number of units.
      forget_bias: initial b_f; b_n starts at zero.
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate.
    """

    def init(key, input_size):
        key_x, key_h = jax.random.split(key)
        return UGRNNParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 2),
            w_h=per_gate(recurrent_init, key_h, (size, size), 2),
            b=jnp.zeros(2 * size).at[:size].set(forget_bias),
        )

    def initial(params, batch_shape):
        return UGRNNCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_h)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def gates(params, carry, u):
        return UGRNNGates(*activate(u + dot(carry.h, params.w_h), "st"))

    def combine(params, carry, u, a):
        f, n = activate(u + a, "st")
        h = f * carry.h + (1 - f) * n
        return UGRNNCarry(h), h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine), gates)
