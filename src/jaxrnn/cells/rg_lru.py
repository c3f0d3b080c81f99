"""Real-gated linear recurrent unit, De et al. 2024, "Griffin".

    v_t = x_t W_xv                                   the input at the width of the state
    r_t = sigmoid(v_t W_r + b_r)                     recurrence gate
    i_t = sigmoid(v_t W_i + b_i)                     input gate
    a_t = exp(-8 r_t softplus(lambda))
    h_t = a_t * h_{t-1} + sqrt(1 - a_t^2) * (i_t * v_t)

In the paper each gate reads a block of v; here each reads all of v.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import activate, carry_dtype, dot
from jaxrnn.cells.structure import Linear
from jaxrnn.initializers import glorot, per_gate
from jaxrnn.types import Cell, Positive, Size

SHARPNESS = 8.0


class RGLRUParams(NamedTuple):
    w_x: jax.Array  # [D, H]
    w_g: jax.Array  # [H, 2H], for the gates r and i
    b: jax.Array  # [2H]
    decay: jax.Array  # [H], lambda


class RGLRUCarry(NamedTuple):
    h: jax.Array  # [B, H]


class RGLRUGates(NamedTuple):
    f: jax.Array  # [B, H], a, the share of the old state
    i: jax.Array  # [B, H]


@checked
def cell(size: Size, lower: Positive = 0.9, upper: Positive = 0.999, input_init: Callable[..., Any] = glorot()) -> Cell:
    """RG-LRU cell.

    Args:
      size: H, the number of units.
      lower, upper: bounds of the initial exp(-softplus(lambda)), drawn uniformly in area; a_t is its power 8 r_t.
      input_init: initial W_x, W_r and W_i; the biases start at zero.

    Raises:
      ValueError: if not 0 < lower < upper < 1.
    """
    if not lower < upper < 1:
        raise ValueError(f"lower={lower} and upper={upper}: the decay needs 0 < lower < upper < 1")

    def init(key, input_size):
        key_x, key_g, key_a = jax.random.split(key, 3)
        root = jnp.sqrt(jax.random.uniform(key_a, (size,), minval=lower**2, maxval=upper**2))
        return RGLRUParams(
            w_x=input_init(key_x, (input_size, size)),
            w_g=per_gate(input_init, key_g, (size, size), 2),
            b=jnp.zeros(2 * size),
            decay=jnp.log(jnp.expm1(-jnp.log(root))),
        )

    def initial(params, batch_shape):
        return RGLRUCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_x)))

    def project(params, x):
        v = dot(x, params.w_x)
        return jnp.concatenate([v, dot(v, params.w_g) + params.b], axis=-1)

    def gates(params, carry, u):
        r, i = activate(u[..., size:], "ss")
        return RGLRUGates(jnp.exp(-SHARPNESS * r * jax.nn.softplus(params.decay.astype(u.dtype))), i)

    def coefficients(params, u):
        r, i = activate(u[..., size:], "ss")
        log_a = -SHARPNESS * r * jax.nn.softplus(params.decay.astype(u.dtype))
        return jnp.exp(log_a), jnp.sqrt(-jnp.expm1(2 * log_a)) * i * u[..., :size]

    step = Linear(coefficients, lambda params, h: h, state=lambda carry: carry.h, carry=RGLRUCarry)
    return Cell(size, init, initial, project, step, gates)
