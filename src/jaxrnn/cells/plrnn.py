"""Piecewise-linear recurrent network, Durstewitz 2017, for reconstructing dynamical systems.

h_t = a * h_{t-1} + max(0, h_{t-1}) W_h + x_t W_x + b

In the paper W_h has no diagonal. Here it has one, which acts on a unit only above zero; a acts always.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import carry_dtype, dot
from jaxrnn.cells.structure import Step
from jaxrnn.initializers import gaussian, glorot
from jaxrnn.types import Cell, Positive, Size


class PLRNNParams(NamedTuple):
    w_x: jax.Array  # [D, H]
    a: jax.Array  # [H]
    w_h: jax.Array  # [H, H]
    b: jax.Array  # [H]


class PLRNNCarry(NamedTuple):
    h: jax.Array  # [B, H]


@checked
def cell(
    size: Size,
    upper: Positive = 0.9,
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = gaussian(0.1),
) -> Cell:
    """PLRNN cell.

    Args:
      size: H, the number of units.
      upper: initial a is drawn from U[upper / 2, upper].
      input_init, recurrent_init: initial W_x and W_h; the bias starts at zero.
    """

    def init(key, input_size):
        key_x, key_a, key_h = jax.random.split(key, 3)
        a = upper * jax.random.uniform(key_a, (size,), minval=0.5)
        return PLRNNParams(
            input_init(key_x, (input_size, size)), a, recurrent_init(key_h, (size, size)), jnp.zeros(size)
        )

    def initial(params, batch_shape):
        return PLRNNCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_h)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def combine(params, carry, u, a):
        h = params.a.astype(u.dtype) * carry.h + u + a
        return PLRNNCarry(h), h

    return Cell(size, init, initial, project, Step(lambda carry: jax.nn.relu(carry.h), combine))
