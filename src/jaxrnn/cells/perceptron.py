"""Feed-forward layer without memory, for comparison with recurrent cells: h_t = phi(x_t W_x + b)."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import ACTIVATIONS, carry_dtype, dot
from jaxrnn.initializers import glorot
from jaxrnn.types import Cell, Size


class PerceptronParams(NamedTuple):
    w_x: jax.Array  # [D, H]
    b: jax.Array  # [H]


class PerceptronCarry(NamedTuple):
    h: jax.Array  # [B, H], which the next step does not read


@checked
def cell(
    size: Size, activation: Literal["tanh", "relu", "linear"] = "tanh", input_init: Callable[..., Any] = glorot()
) -> Cell:
    """Feed-forward cell: y_t depends only on x_t, and every Jacobian J_t is zero.

    Args:
      size: H, the number of units.
      activation: phi.
      input_init: initial W_x; the bias starts at zero.
    """
    phi = ACTIVATIONS[activation]

    def init(key, input_size):
        return PerceptronParams(input_init(key, (input_size, size)), jnp.zeros(size))

    def initial(params, batch_shape):
        return PerceptronCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_x)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def step(params, carry, u):
        h = phi(u)
        return PerceptronCarry(h), h

    return Cell(size, init, initial, project, step)
