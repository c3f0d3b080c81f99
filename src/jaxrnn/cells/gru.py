"""The gated recurrent unit of Cho et al. 2014, in the form that cuDNN and PyTorch compute.

    r_t = sigmoid(x_t W_xr + h_{t-1} W_hr + b_r)                    reset gate
    z_t = sigmoid(x_t W_xz + h_{t-1} W_hz + b_z)                    update gate
    n_t = tanh(x_t W_xn + b_n + r_t * (h_{t-1} W_hn + b_hn))        candidate, reset after the product
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

The paper resets before the product: n_t = tanh(x_t W_xn + b_n + (r_t * h_{t-1}) W_hn).
Weights hold the gates side by side in the order r, z, n.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells._step import Step, activate, carry_dtype, columns, dot
from jaxrnn.initializers import chrono as chrono_bias
from jaxrnn.initializers import glorot, orthogonal, per_gate
from jaxrnn.types import Cell, Lag, Size


class GRUParams(NamedTuple):
    w_x: jax.Array  # [D, 3H]
    w_h: jax.Array  # [H, 3H]
    b: jax.Array  # [3H]
    b_hn: jax.Array | None  # [H], None where the reset comes before the product


class GRUCarry(NamedTuple):
    h: jax.Array  # [B, H]


class GRUGates(NamedTuple):
    r: jax.Array  # [B, H]
    z: jax.Array  # [B, H]
    n: jax.Array  # [B, H], the candidate


@checked
def cell(
    size: Size,
    reset: Literal["after", "before"] = "after",
    chrono: Lag | None = None,
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = orthogonal(),
) -> Cell:
    """A GRU cell.

    Args:
      size: H, the number of units.
      reset: whether r_t acts after the product with W_hn, with a recurrent bias (cuDNN), or before it (Cho 2014).
      chrono: the longest lag expected, in steps, above 2; sets b_z = ln U[1, chrono - 1] (Tallec & Ollivier 2018, whose
        update gate is 1 - z_t). The other biases start at zero.
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate.
    """

    def init(key, input_size):
        key_x, key_h, key_b = jax.random.split(key, 3)
        b_z = jnp.zeros(size) if chrono is None else chrono_bias(key_b, size, chrono)
        return GRUParams(
            w_x=per_gate(input_init, key_x, (input_size, size), 3),
            w_h=per_gate(recurrent_init, key_h, (size, size), 3),
            b=jnp.concatenate([jnp.zeros(size), b_z, jnp.zeros(size)]),
            b_hn=jnp.zeros(size) if reset == "after" else None,
        )

    def initial(params, batch_shape):
        return GRUCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_h)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def gates_of(params, u, a):
        r, z = activate(u[..., : 2 * size] + a[..., : 2 * size], "ss")
        return GRUGates(r, z, n=jnp.tanh(u[..., 2 * size :] + r * (a[..., 2 * size :] + params.b_hn)))

    def gates_after(params, carry, u):
        return gates_of(params, u, dot(carry.h, params.w_h))

    def combine(params, carry, u, a):
        rz, n = slice(2 * size), slice(2 * size, None)
        h = _memory(u[..., rz] + a[..., rz], u[..., n], a[..., n] + params.b_hn, carry.h)
        return GRUCarry(h), h

    if reset == "before":  # r_t acts between two products
        return Cell(size, init, initial, project, *_reset_before(size))
    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine), gates_after)


def _reset_before(size):
    """(step, gates) of the form in which the reset comes before the product."""

    def gates(params, carry, u):
        w_rz, w_n = columns(params.w_h, 0, 2 * size), columns(params.w_h, 2 * size, 3 * size)
        r, z = activate(u[..., : 2 * size] + dot(carry.h, w_rz), "ss")
        return GRUGates(r, z, n=jnp.tanh(u[..., 2 * size :] + dot(r * carry.h, w_n)))

    def step(params, carry, u):
        _, z, n = gates(params, carry, u)
        h = (1 - z) * n + z * carry.h
        return GRUCarry(h), h

    return step, gates


@jax.custom_jvp
def _memory(block, u_n, a_n, h):
    """h_t from the pre-activations of r and z, the two parts of the candidate's, and h_{t-1}."""
    r, z = activate(block, "ss")
    return (1 - z) * jnp.tanh(u_n + r * a_n) + z * h


@_memory.defjvp
def _memory_jvp(primals, tangents):
    """The differential by hand: five factors a step for the backward pass to keep, where autodiff keeps twice that.

    dh_t = z_t dh_{t-1} + z'_t (h_{t-1} - n_t) dz + (1 - z_t) n'_t (du_n + r_t da_n + r'_t a_n dr)
    """
    (block, u_n, a_n, before), (d_block, d_u, d_a, d_before) = primals, tangents
    r, z = activate(block, "ss")
    n = jnp.tanh(u_n + r * a_n)
    d_r, d_z = jnp.split(d_block, 2, axis=-1)
    slope = (1 - z) * (1 - n**2)
    d_n = slope * d_u + slope * r * d_a + slope * r * (1 - r) * a_n * d_r
    return (1 - z) * n + z * before, z * d_before + z * (1 - z) * (before - n) * d_z + d_n
