"""Kronecker-factored real-time recurrent learning, Mujika, Meier & Steger 2018, for Elman networks.

M_t is estimated by one Kronecker product of a vector u and a matrix A, dh_i / dW_kj by u_k A_ij. In the mean it is
exact. With v_t = [x_t, h_{t-1}, 1], D_t = diag(phi') and signs c_0, c_1 drawn from {-1, 1}

    u' = c_0 p_0 u + c_1 p_1 v_t,    A' = c_0 J_t A / p_0 + c_1 D_t / p_1
    p_0^2 = |J_t A| / |u|,   p_1^2 = |D_t| / |v_t|

The products of c_0 with c_1 have the mean zero, so the mean of u' A' is u (J_t A) + v_t D_t. It costs H^3 per step,
keeps H^2 values, and its variance is below UORO's.
"""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.elman import ElmanParams
from jaxrnn.types import Unroll
from jaxrnn.unroll._flat_step import carry_jacobian
from jaxrnn.unroll._online import Rule, balance, online


def rule() -> Rule:
    """The `Rule` that keeps a vector and a matrix."""
    return Rule(_begin, _follow, _end, draws=True, check=_check_elman)


@checked
def unroll() -> Unroll:
    """KF-RTRL. The signs are drawn anew for each sequence, step and update, from the keys of `Net.apply`.

    Raises:
      ValueError: when it is differentiated without keys.
    """
    return online(rule(), "kf_rtrl")


def _check_elman(params):
    if type(params) is not ElmanParams:
        raise ValueError(
            f"unroll=kf_rtrl follows the weights of an Elman cell only: expected ElmanParams, found "
            f"{type(params).__name__}; use model=elman or unroll=uoro"
        )


def _begin(at_random, carry_size, params_size, dtype, key):
    """Returns (u, A, dh / dh_0): the influence of the first carry is kept exactly."""
    zeros = jnp.zeros(params_size // carry_size, dtype), jnp.zeros((carry_size, carry_size), dtype)
    return *zeros, jnp.eye(carry_size, dtype=dtype)


def _follow(memory, differential, d_h, key):
    (u, a, of_first), size = memory, len(d_h)
    jacobian, zeros = carry_jacobian(differential, size, d_h.dtype), jnp.zeros_like(d_h)
    earlier = jnp.concatenate([jnp.outer(u, d_h @ jacobian[size:] @ a).ravel(), d_h @ jacobian[size:] @ of_first])
    direct = differential.pull(jnp.concatenate([zeros, d_h]))
    jacobian = jacobian[:size]
    # Pulling back a vector of ones gives the outer product of v and phi'. The last entry of v is the input of the bias,
    # which is 1, so the last row is phi'. Projecting on it gives v; tiny avoids 0 / 0 if all units are off.
    outer = differential.pull(jnp.concatenate([zeros + 1, zeros]))[: len(u) * size].reshape(len(u), size)
    slope = outer[-1]
    v = outer @ slope / jnp.maximum(slope @ slope, jnp.finfo(slope.dtype).tiny)
    c = jax.random.rademacher(key, (2,), d_h.dtype)
    pushed = jacobian @ a
    # `balance` gives the inverse of p.
    inverse_p = balance(u, pushed), balance(v, slope)
    new_u = c[0] * u / inverse_p[0] + c[1] * v / inverse_p[1]
    new_a = c[0] * pushed * inverse_p[0] + c[1] * jnp.diag(slope) * inverse_p[1]
    return (new_u, new_a, jacobian @ of_first), earlier + direct


def _end(memory, d_s):
    u, a, of_first = memory
    return jnp.concatenate([jnp.outer(u, d_s @ a).ravel(), d_s @ of_first])
