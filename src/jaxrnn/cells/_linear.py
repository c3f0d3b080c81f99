"""The step of cells whose state is a linear function of the previous state, unit by unit."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

CANDIDATES = {"linear": lambda a: a, "positive": lambda a: jnp.where(a >= 0, a + 0.5, jax.nn.sigmoid(a))}


class Linear(NamedTuple):
    """Step s_t = a_t * s_{t-1} + b_t, where a_t and b_t depend only on the input, with h_t a function of s_t.

    `jaxrnn.unroll.associative` computes all s_t at once (Blelloch 1990; Martin & Cundy 2018).

    Fields:
      coefficients: (params, u_t) -> (a_t, b_t), [..., H] each, complex if the state is complex.
      read: (params, s_t) -> h_t [..., H].
      state: carry -> s.
      carry: s -> carry.
    """

    coefficients: Callable[..., Any]
    read: Callable[..., Any]
    state: Callable[..., Any]
    carry: Callable[..., Any]

    def __call__(self, params, carry, u):
        a, b = self.coefficients(params, u)
        s = a * self.state(carry) + b
        return self.carry(s), self.read(params, s)
