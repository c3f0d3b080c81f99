"""Sparse n-step approximation of real-time recurrent learning, SnAp-n, Menick et al. 2020.

Of M_t only the values are kept where a param reaches a value of the carry within n steps. With dense recurrent weights
SnAp-2 keeps all; SnAp-1 keeps what a param does to its own unit.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.types import Size, Unroll
from jaxrnn.unroll._online import matrix, of_step, online

DRAWS = 4  # of a step, since a rectified unit may be off at one of them


def rule(steps: int = 1) -> Any:
    """The `Rule` that keeps of M_t what a param reaches within so many steps."""

    def kept(at, carry, params, dtype):
        return _reached(at, carry, params, dtype, steps)

    return matrix(kept)


@checked
def unroll(steps: Size = 1) -> Unroll:
    """SnAp-n.

    Args:
      steps: n.
    """
    return online(rule(steps), "snap")


def _reached(at, carry, params, dtype, steps):
    """Which values of the carry each param, and each value of the first carry, reaches within so many steps."""
    width = jax.eval_shape(at(jax.random.key(0)).push, jnp.zeros(carry, dtype)).shape[0]
    drawn = [of_step(at(jax.random.key(draw)), carry, width - carry, dtype) for draw in range(DRAWS)]
    passes, own = (sum(abs(found[part][:carry]) for found in drawn) > 0 for part in (0, 1))
    own = own.at[:, params:].set(jnp.eye(carry, dtype=bool))
    reached = own
    for _ in range(steps - 1):
        reached = own | (passes.astype(float) @ reached.astype(float) > 0)
    return reached
