"""Minimal gated unit, Zhou et al. 2016, with the gate after the product, as Flax computes it.

    f_t = sigmoid(x_t W_xf + h_{t-1} W_hf + b_f)                    forget gate
    n_t = tanh(x_t W_xn + b_n + f_t * (h_{t-1} W_hn + b_hn))        candidate
    h_t = (1 - f_t) * n_t + f_t * h_{t-1}

The paper swaps f_t and 1 - f_t in the last line, and its gate acts before the product. Weights hold the gates side by
side in the order f, n.
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


class MGUParams(NamedTuple):
    w_x: jax.Array  # [D, 2H]
    w_h: jax.Array  # [H, 2H]
    b: jax.Array  # [2H]
    b_hn: jax.Array  # [H]


class MGUCarry(NamedTuple):
    h: jax.Array  # [B, H]


class MGUGates(NamedTuple):
    f: jax.Array  # [B, H]
    n: jax.Array  # [B, H], the candidate


@checked
def cell(
    size: Size,
    forget_bias: float = 1.0,
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = orthogonal(),
) -> Cell:
    """MGU cell.

    Args:
      size: H, the number of units.
      forget_bias: initial b_f; the other biases start at zero.
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate.
    """

    def init(key, input_size):
        key_x, key_h = jax.random.split(key)
        return MGUParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 2),
            w_h=per_gate(recurrent_init, key_h, (size, size), 2),
            b=jnp.zeros(2 * size).at[:size].set(forget_bias),
            b_hn=jnp.zeros(size),
        )

    def initial(params, batch_shape):
        return MGUCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_h)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def values(params, u, a):
        f = jax.nn.sigmoid(u[..., :size] + a[..., :size])
        return MGUGates(f, n=jnp.tanh(u[..., size:] + f * (a[..., size:] + params.b_hn)))

    def gates(params, carry, u):
        return values(params, u, dot(carry.h, params.w_h))

    def combine(params, carry, u, a):
        f, n = values(params, u, a)
        h = (1 - f) * n + f * carry.h
        return MGUCarry(h), h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine), gates)
