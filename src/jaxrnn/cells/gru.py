"""The gated recurrent unit of Cho et al. 2014, in the form that cuDNN and PyTorch compute.

    r_t = sigmoid(x_t W_xr + h_{t-1} W_hr + b_r)                    reset gate
    z_t = sigmoid(x_t W_xz + h_{t-1} W_hz + b_z)                    update gate
    n_t = tanh(x_t W_xn + b_n + r_t * (h_{t-1} W_hn + b_hn))        candidate, reset after the product
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

The paper resets before the product: n_t = tanh(x_t W_xn + b_n + (r_t * h_{t-1}) W_hn).
Weights hold the gates side by side in the order r, z, n.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.gates import Step, activate, carry_dtype, columns, dot
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


def cell(
    size: Size,
    reset: Literal["after", "before"] = "after",
    chrono: Lag | None = None,
    input_init: Callable = glorot(),
    recurrent_init: Callable = orthogonal(),
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

    def gates_before(params, carry, u):
        w_rz, w_n = columns(params.w_h, 0, 2 * size), columns(params.w_h, 2 * size, 3 * size)
        r, z = activate(u[..., : 2 * size] + dot(carry.h, w_rz), "ss")
        return GRUGates(r, z, n=jnp.tanh(u[..., 2 * size :] + dot(r * carry.h, w_n)))

    def updated(gates, carry):
        h = (1 - gates.z) * gates.n + gates.z * carry.h
        return GRUCarry(h), h

    if reset == "before":  # r_t acts between two products
        return Cell(
            size, init, initial, project, lambda params, c, u: updated(gates_before(params, c, u), c), gates_before
        )
    step = Step(lambda carry: carry.h, lambda params, carry, u, a: updated(gates_of(params, u, a), carry))
    return Cell(size, init, initial, project, step, gates_after)
