"""minimalRNN, Chen, Pennington & Schoenholz 2018, "Dynamical isometry and a mean field theory of RNNs".

n_t = tanh(x_t W_x + b_x)                           the input after one layer
f_t = sigmoid(h_{t-1} W_h + n_t W_n + b)            forget gate
h_t = f_t * h_{t-1} + (1 - f_t) * n_t
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import carry_dtype, dot
from jaxrnn.cells.structure import Step
from jaxrnn.initializers import glorot, orthogonal
from jaxrnn.types import Cell, Size


class MinimalRNNParams(NamedTuple):
    w_x: jax.Array  # [D, H]
    b_x: jax.Array  # [H]
    w_n: jax.Array  # [H, H]
    w_h: jax.Array  # [H, H]
    b: jax.Array  # [H]


class MinimalRNNCarry(NamedTuple):
    h: jax.Array  # [B, H]


class MinimalRNNGates(NamedTuple):
    f: jax.Array  # [B, H]
    n: jax.Array  # [B, H], the candidate


@checked
def cell(
    size: Size,
    forget_bias: float = 1.0,
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = orthogonal(),
) -> Cell:
    """minimalRNN cell.

    Args:
      size: H, the number of units.
      forget_bias: initial b; b_x starts at zero.
      input_init: initial W_x and W_n.
      recurrent_init: initial W_h.
    """

    def init(key, input_size):
        key_x, key_n, key_h = jax.random.split(key, 3)
        return MinimalRNNParams(
            w_x=input_init(key_x, (input_size, size)),
            b_x=jnp.zeros(size),
            w_n=input_init(key_n, (size, size)),
            w_h=recurrent_init(key_h, (size, size)),
            b=jnp.full(size, forget_bias, float),
        )

    def initial(params, batch_shape):
        return MinimalRNNCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_h)))

    def project(params, x):
        n = jnp.tanh(dot(x, params.w_x) + params.b_x)
        return jnp.concatenate([dot(n, params.w_n) + params.b, n], axis=-1)

    def gates(params, carry, u):
        return MinimalRNNGates(jax.nn.sigmoid(u[..., :size] + dot(carry.h, params.w_h)), u[..., size:])

    def combine(params, carry, u, a):
        f = jax.nn.sigmoid(u[..., :size] + a)
        h = f * carry.h + (1 - f) * u[..., size:]
        return MinimalRNNCarry(h), h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine), gates)
