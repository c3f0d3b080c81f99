"""GRU with layer normalisation (Ba, Kiros & Hinton 2016), with the reset after the product.

    u = LN(x_t W_x) + b,  a = LN(h_{t-1} W_h)           each LN over all gates together
    r_t = sigmoid(u_r + a_r),  z_t = sigmoid(u_z + a_z)
    n_t = tanh(u_n + r_t * (a_n + b_hn))
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

LN subtracts the mean, divides by the standard deviation, and multiplies by its own gain. The paper resets before the
product and normalises once more there; this form needs only one product. Weights hold the gates side by side in the
order r, z, n.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells._norm import layer_norm
from jaxrnn.cells.step import activate, carry_dtype, dot
from jaxrnn.cells.structure import Step
from jaxrnn.initializers import glorot, orthogonal, per_gate
from jaxrnn.types import Cell, Positive, Size


class LayerNormGRUParams(NamedTuple):
    w_x: jax.Array  # [D, 3H]
    w_h: jax.Array  # [H, 3H]
    b: jax.Array  # [3H]
    b_hn: jax.Array  # [H]
    gain_x: jax.Array  # [3H]
    gain_h: jax.Array  # [3H]


class LayerNormGRUCarry(NamedTuple):
    h: jax.Array  # [B, H]


class LayerNormGRUGates(NamedTuple):
    r: jax.Array  # [B, H]
    z: jax.Array  # [B, H]
    n: jax.Array  # [B, H], the candidate


@checked
def cell(
    size: Size,
    epsilon: Positive = 1e-5,
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = orthogonal(),
) -> Cell:
    """GRU cell with layer normalisation.

    Args:
      size: H, the number of units.
      epsilon: constant added to a variance.
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate; the biases start at zero, the gains at one.
    """

    def init(key, input_size):
        key_x, key_h = jax.random.split(key)
        return LayerNormGRUParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 3),
            w_h=per_gate(recurrent_init, key_h, (size, size), 3),
            b=jnp.zeros(3 * size),
            b_hn=jnp.zeros(size),
            gain_x=jnp.ones(3 * size),
            gain_h=jnp.ones(3 * size),
        )

    def initial(params, batch_shape):
        return LayerNormGRUCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_h)))

    def project(params, x):
        return layer_norm(dot(x, params.w_x), params.gain_x, epsilon) + params.b

    def values(params, u, a):
        a = layer_norm(a, params.gain_h, epsilon)
        r, z = activate(u[..., : 2 * size] + a[..., : 2 * size], "ss")
        return LayerNormGRUGates(r, z, n=jnp.tanh(u[..., 2 * size :] + r * (a[..., 2 * size :] + params.b_hn)))

    def gates(params, carry, u):
        return values(params, u, dot(carry.h, params.w_h))

    def combine(params, carry, u, a):
        _, z, n = values(params, u, a)
        h = (1 - z) * n + z * carry.h
        return LayerNormGRUCarry(h), h

    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine, unit_by_unit=False), gates)
