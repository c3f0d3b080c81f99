"""Gated recurrent unit, Cho et al. 2014, in the form that cuDNN and PyTorch compute.

    r_t = sigmoid(x_t W_xr + h_{t-1} W_hr + b_r)                    reset gate
    z_t = sigmoid(x_t W_xz + h_{t-1} W_hz + b_z)                    update gate
    n_t = tanh(x_t W_xn + b_n + r_t * (h_{t-1} W_hn + b_hn))        candidate, reset after the product
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

The paper has n_t = tanh(x_t W_xn + b_n + (r_t * h_{t-1}) W_hn). Weights hold the gates in the order r, z, n.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn import initializers
from jaxrnn.arguments import checked
from jaxrnn.cells.step import activate, carry_dtype, columns, dot
from jaxrnn.cells.structure import Step
from jaxrnn.types import Cell, Lag, Size


class GRUParams(NamedTuple):
    w_x: jax.Array  # [D, 3H]
    w_h: jax.Array  # [H, 3H]
    b: jax.Array  # [3H]
    b_hn: jax.Array | None  # [H]; None if the reset comes before the product


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
    input_init: Callable[..., Any] = initializers.glorot(),
    recurrent_init: Callable[..., Any] = initializers.orthogonal(),
) -> Cell:
    """GRU cell. The biases start at zero.

    Args:
      size: H, the number of units.
      reset: whether r_t acts `after` the product with W_hn (cuDNN) or `before` it (Cho et al. 2014).
      chrono: longest expected lag in steps, above 2; b_z starts at ln U[1, chrono - 1] (Tallec & Ollivier 2018).
      input_init, recurrent_init: initial W_x and W_h, drawn gate by gate.
    """
    rz, n = slice(2 * size), slice(2 * size, None)  # columns of the gates, and of the candidate

    def init(key, input_size):
        key_x, key_h, key_b = jax.random.split(key, 3)
        b_z = jnp.zeros(size) if chrono is None else initializers.chrono(key_b, size, chrono)
        w_x = initializers.per_gate(input_init, key_x, (input_size, size), 3)
        w_h = initializers.per_gate(recurrent_init, key_h, (size, size), 3)
        b = jnp.concatenate([jnp.zeros(size), b_z, jnp.zeros(size)])
        return GRUParams(w_x, w_h, b, b_hn=jnp.zeros(size) if reset == "after" else None)

    def initial(params, batch_shape):
        return GRUCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_h)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def gates_after(params, u, a):
        block, u_n, a_n = u[..., rz] + a[..., rz], u[..., n], a[..., n] + params.b_hn
        r, z = activate(block, "ss")
        return GRUGates(r, z, n=jnp.tanh(u_n + r * a_n))

    def gates(params, carry, u):
        if reset == "after":
            return gates_after(params, u, dot(carry.h, params.w_h))
        w_rz, w_n = columns(params.w_h, rz), columns(params.w_h, n)
        r, z = activate(u[..., rz] + dot(carry.h, w_rz), "ss")
        return GRUGates(r, z, n=jnp.tanh(u[..., n] + dot(r * carry.h, w_n)))

    def combine(params, carry, u, a):
        return _update(carry, gates_after(params, u, a))

    if reset == "before":  # two products, so the step is not a `Step`
        return Cell(size, init, initial, project, lambda p, carry, u: _update(carry, gates(p, carry, u)), gates)
    return Cell(size, init, initial, project, Step(lambda carry: carry.h, combine, equations="gru"), gates)


def _update(carry, gates):
    h = (1 - gates.z) * gates.n + gates.z * carry.h
    return GRUCarry(h), h
