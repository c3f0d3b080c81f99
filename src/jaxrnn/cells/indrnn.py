"""Independently recurrent network, Li et al. 2018: each unit reads only its own state.

h_t = phi(x_t W_x + a * h_{t-1} + b)
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import ACTIVATIONS, carry_dtype, dot
from jaxrnn.initializers import glorot
from jaxrnn.types import Cell, Positive, Size


class IndRNNParams(NamedTuple):
    w_x: jax.Array  # [D, H]
    a: jax.Array  # [H]
    b: jax.Array  # [H]


class IndRNNCarry(NamedTuple):
    h: jax.Array  # [B, H]


@checked
def cell(
    size: Size,
    activation: Literal["relu", "tanh", "linear"] = "relu",
    upper: Positive = 1.0,
    input_init: Callable[..., Any] = glorot(),
) -> Cell:
    """IndRNN cell.

    Args:
      size: H, the number of units.
      activation: phi.
      upper: initial recurrent weights are drawn from U[-upper, upper]. For sequences of T steps the paper advises at
        most 2^(1/T).
      input_init: initial W_x; the bias starts at zero.
    """
    phi = ACTIVATIONS[activation]

    def init(key, input_size):
        key_x, key_a = jax.random.split(key)
        a = upper * jax.random.uniform(key_a, (size,), minval=-1.0)
        return IndRNNParams(input_init(key_x, (input_size, size)), a, jnp.zeros(size))

    def initial(params, batch_shape):
        return IndRNNCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_x)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def step(params, carry, u):
        h = phi(u + params.a.astype(u.dtype) * carry.h)
        return IndRNNCarry(h), h

    return Cell(size, init, initial, project, step)
