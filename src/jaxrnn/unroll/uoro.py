"""Unbiased online recurrent optimization, Tallec & Ollivier 2018: M_t is estimated by one product of two vectors.

    s' = rho_0 J_t s + rho_1 v,    theta' = theta / rho_0 + v G_t / rho_1,    v drawn from {-1, 1}^C
    rho_0^2 = |theta| / |J_t s|,   rho_1^2 = |v G_t| / |v|

The mean of v v^T is I and the mean of v is zero, so the mean of s' theta' over v is J_t s theta + G_t: if s theta has
the mean M_{t-1}, then s' theta' has the mean M_t. It costs a few steps of the network. Its variance grows with C.
"""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll._online import Rule, balance, online


def rule() -> Rule:
    """The `Rule` that keeps two vectors."""
    return Rule(_begin, _follow, _end, draws=True)


@checked
def unroll() -> Unroll:
    """UORO. v is drawn anew for each sequence, step and update, from the keys of `Net.apply`.

    Raises:
      ValueError: when it is differentiated without keys.
    """
    return online(rule(), "uoro")


def _begin(at_random, carry_size, params_size, dtype, key):
    v = jax.random.rademacher(key, (carry_size,), dtype)
    return v, jnp.concatenate([jnp.zeros(params_size, dtype), v])


def _follow(memory, differential, d_h, key):
    s, theta = memory
    pushed, size = differential.push(s), len(s)
    gradient = (d_h @ pushed[size:]) * theta + differential.pull(jnp.concatenate([jnp.zeros_like(s), d_h]))
    v = jax.random.rademacher(key, (size,), s.dtype)
    v_times_g = differential.pull(jnp.concatenate([v, jnp.zeros_like(d_h)]))
    rho_0, rho_1 = balance(theta, pushed[:size]), balance(v_times_g, v)
    return (rho_0 * pushed[:size] + rho_1 * v, theta / rho_0 + v_times_g / rho_1), gradient


def _end(memory, d_s):
    s, theta = memory
    return (d_s @ s) * theta
