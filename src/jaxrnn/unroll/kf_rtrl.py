"""Kronecker-factored real-time recurrent learning, Mujika, Meier & Steger 2018: M_t of an Elman network as one
Kronecker product, right in the mean.

With v_t = [x_t, h_{t-1}, 1], D_t = diag(phi') and signs c_0, c_1 drawn from {-1, 1}

    u' = c_0 p_0 u + c_1 p_1 v_t,    A' = c_0 J_t A / p_0 + c_1 D_t / p_1
    p_0^2 = |J_t A| / |u|,   p_1^2 = |D_t| / |v_t|

and dh_i / dW_kj is estimated as u_k A_ij. It costs H^3 a step, H^2 values are kept, and its variance is below UORO's.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.elman import ElmanParams
from jaxrnn.types import Seed, Unroll
from jaxrnn.unroll._online import Rule, of_push, online, ratio


def rule() -> Any:
    """The `Rule` that keeps a vector and a matrix."""
    return Rule(_begin, _follow, _end, accepts=_is_elman)


@checked
def unroll(seed: Seed = 0) -> Unroll:
    """KF-RTRL.

    Args:
      seed: of the signs, which are drawn anew for each sequence, step and update.
    """
    return online(rule(), "kf_rtrl", seed)


def _is_elman(params):
    if type(params) is not ElmanParams:
        raise ValueError("unroll=kf_rtrl follows the weights of an Elman cell; this is another cell")


def _begin(at, carry, params, dtype, key):
    return jnp.zeros(params // carry, dtype), jnp.zeros((carry, carry), dtype), jnp.eye(carry, dtype=dtype)


def _follow(memory, linear, seen, key):
    (u, a, of_first), size = memory, len(seen)
    jacobian, nothing = of_push(linear, size, seen.dtype), jnp.zeros_like(seen)
    old = jnp.concatenate([jnp.outer(u, seen @ jacobian[size:] @ a).ravel(), seen @ jacobian[size:] @ of_first])
    own = linear.pull(jnp.concatenate([nothing, seen]))
    jacobian = jacobian[:size]
    # d s_t / d W is v phi', whose last row, that of the bias, is phi' itself.
    outer = linear.pull(jnp.concatenate([nothing + 1, nothing]))[: len(u) * size].reshape(len(u), size)
    slope = outer[-1]
    v = outer @ slope / jnp.maximum(slope @ slope, jnp.finfo(slope.dtype).tiny)
    c = jax.random.rademacher(key, (2,), seen.dtype)
    pushed = jacobian @ a
    p = ratio(u, pushed), ratio(v, slope)
    new = c[0] * u / p[0] + c[1] * v / p[1], c[0] * pushed * p[0] + c[1] * jnp.diag(slope) * p[1]
    return (*new, jacobian @ of_first), old + own


def _end(memory, after):
    u, a, of_first = memory
    return jnp.concatenate([jnp.outer(u, after @ a).ravel(), after @ of_first])
