"""Linear recurrent unit, Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences".

    lambda = exp(-exp(nu) + i exp(theta))            [H], inside the unit disk for all nu and theta
    s_t = lambda * s_{t-1} + exp(gamma) * (x_t W_x)  s and W_x complex
    h_t = Re(s_t W_y)

exp(gamma) starts at sqrt(1 - |lambda|^2); then a white-noise input gives a state of the same variance. The paper also
adds the input to the output, unit by unit; `jaxrnn.nets.residual` does that.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import carry_dtype, dot
from jaxrnn.cells.structure import Linear
from jaxrnn.types import Cell, NonNegative, Positive, Size


class LRUParams(NamedTuple):
    nu: jax.Array  # [H]
    theta: jax.Array  # [H]
    gamma: jax.Array  # [H]
    w_x: jax.Array  # [D, 2H], real parts, then imaginary parts
    w_y: jax.Array  # [2H, H], real parts, then imaginary parts


class LRUCarry(NamedTuple):
    re: jax.Array  # [B, H]
    im: jax.Array  # [B, H]


@checked
def cell(size: Size, lower: NonNegative = 0.0, upper: Positive = 1.0, phase: Positive = 2 * math.pi) -> Cell:
    """LRU cell.

    Args:
      size: H, the number of complex units and of outputs.
      lower, upper: bounds of the initial |lambda|, drawn uniformly in area; take 0.9 and 0.999 for long lags.
      phase: largest initial angle of lambda, in radians, drawn uniformly from zero.

    Raises:
      ValueError: if not 0 <= lower < upper <= 1.
    """
    if not lower < upper <= 1:
        raise ValueError(f"lower={lower} and upper={upper}: moduli of lambda need 0 <= lower < upper <= 1")

    def init(key, input_size):
        key_r, key_t, key_x, key_y = jax.random.split(key, 4)
        squared = lower**2 + jax.random.uniform(key_r, (size,), minval=1e-6, maxval=1 - 1e-6) * (upper**2 - lower**2)
        angles = jax.random.uniform(key_t, (size,), minval=1e-6) * phase
        return LRUParams(
            nu=jnp.log(-0.5 * jnp.log(squared)),
            theta=jnp.log(angles),
            gamma=0.5 * jnp.log1p(-squared),
            w_x=jax.random.normal(key_x, (input_size, 2 * size)) / math.sqrt(2 * input_size),
            w_y=jax.random.normal(key_y, (2 * size, size)) / math.sqrt(size),
        )

    def initial(params, batch_shape):
        zeros = jnp.zeros((*batch_shape, size), carry_dtype(params.w_y))
        return LRUCarry(zeros, zeros)

    def project(params, x):
        return dot(x, params.w_x)

    def coefficients(params, u):
        nu, theta, gamma = (a.astype(u.dtype) for a in (params.nu, params.theta, params.gamma))
        decay = jnp.exp(jax.lax.complex(-jnp.exp(nu), jnp.exp(theta)))
        driven = jnp.exp(gamma) * jax.lax.complex(u[..., :size], u[..., size:])
        return jnp.broadcast_to(decay, driven.shape), driven

    def read(params, s):
        return dot(jnp.concatenate([s.real, -s.imag], axis=-1), params.w_y)

    step = Linear(
        coefficients,
        read,
        state=lambda carry: jax.lax.complex(carry.re, carry.im),
        carry=lambda s: LRUCarry(s.real, s.imag),
    )
    return Cell(size, init, initial, project, step)
