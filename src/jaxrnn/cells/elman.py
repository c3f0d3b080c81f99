"""Simple recurrent network, Elman 1990, "Finding structure in time".

h_t = phi(x_t W_x + h_{t-1} W_h + b)
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import ACTIVATIONS, carry_dtype, dot
from jaxrnn.cells.structure import Step
from jaxrnn.initializers import glorot, orthogonal
from jaxrnn.types import Cell, Size


class ElmanParams(NamedTuple):
    w_x: jax.Array  # [D, H]
    w_h: jax.Array  # [H, H]
    b: jax.Array  # [H]


class ElmanCarry(NamedTuple):
    h: jax.Array  # [B, H]


@checked
def cell(
    size: Size,
    activation: Literal["tanh", "relu", "linear"] = "tanh",
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = orthogonal(),
) -> Cell:
    """Elman cell. With `relu` and `initializers.identity` it is the IRNN of Le, Jaitly & Hinton 2015.

    Args:
      size: H, the number of units.
      activation: phi.
      input_init, recurrent_init: initial W_x and W_h; the bias starts at zero.
    """
    phi = ACTIVATIONS[activation]

    def init(key, input_size):
        key_x, key_h = jax.random.split(key)
        return ElmanParams(input_init(key_x, (input_size, size)), recurrent_init(key_h, (size, size)), jnp.zeros(size))

    def initial(params, batch_shape):
        return ElmanCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_h)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def combine(params, carry, u, a):
        h = phi(u + a)
        return ElmanCarry(h), h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine))
