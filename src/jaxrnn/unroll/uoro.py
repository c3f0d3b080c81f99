"""Unbiased online recurrent optimization, Tallec & Ollivier 2018: M_t as one product of two vectors, right in the mean.

    s' = rho_0 J_t s + rho_1 v,    theta' = theta / rho_0 + v G_t / rho_1,    v drawn from {-1, 1}^C
    rho_0^2 = |theta| / |J_t s|,   rho_1^2 = |v G_t| / |v|

The mean of s' theta' over v is J_t s theta + G_t. It costs a few steps of the network; its variance grows with C.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.types import Seed, Unroll
from jaxrnn.unroll._online import Rule, online, ratio


def rule() -> Any:
    """The `Rule` that keeps two vectors."""
    return Rule(_begin, _follow, _end)


@checked
def unroll(seed: Seed = 0) -> Unroll:
    """UORO.

    Args:
      seed: of v, which is drawn anew for each sequence, step and update.
    """
    return online(rule(), "uoro", seed)


def _begin(at, carry, params, dtype, key):
    v = jax.random.rademacher(key, (carry,), dtype)
    return v, jnp.concatenate([jnp.zeros(params, dtype), v])


def _follow(memory, linear, seen, key):
    s, theta = memory
    pushed, size = linear.push(s), len(s)
    gradient = (seen @ pushed[size:]) * theta + linear.pull(jnp.concatenate([jnp.zeros_like(s), seen]))
    v = jax.random.rademacher(key, (size,), s.dtype)
    pulled = linear.pull(jnp.concatenate([v, jnp.zeros_like(seen)]))
    rho_0, rho_1 = ratio(theta, pushed[:size]), ratio(pulled, v)
    return (rho_0 * pushed[:size] + rho_1 * v, theta / rho_0 + pulled / rho_1), gradient


def _end(memory, after):
    s, theta = memory
    return (after @ s) * theta
