"""Sparse n-step approximation of real-time recurrent learning, SnAp-n, Menick et al. 2020.

It keeps the values of M_t where a param reaches a value of the carry within n steps, and sets the others to zero.
SnAp-1 keeps the influence of a param on its own unit. With dense recurrent weights SnAp-2 keeps everything.
"""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.types import Size, Unroll
from jaxrnn.unroll._flat_step import jacobians
from jaxrnn.unroll._online import Rule, matrix_rule, online

DRAWS = 4  # random steps to find dependences, because a rectified unit may be off in one of them


def rule(steps: int = 1) -> Rule:
    """The `Rule` that keeps the values of M_t that a param reaches within `steps` steps."""

    def pattern(at_random, carry_size, params_size, dtype):
        return _reached(at_random, carry_size, params_size, dtype, steps)

    return matrix_rule(pattern)


@checked
def unroll(steps: Size = 1) -> Unroll:
    """SnAp-n.

    Args:
      steps: n.
    """
    return online(rule(steps), "snap")


def _reached(at_random, carry_size, params_size, dtype, steps):
    """Returns [C, P + C], true where a param, or a value of the first carry, reaches a value of the carry in n steps.

    Step 1 reaches where G_t is nonzero. Step k + 1 also reaches where J_t times the reach of step k is nonzero.
    """
    width = jax.eval_shape(at_random(jax.random.key(0)).push, jnp.zeros(carry_size, dtype)).shape[0]
    draws = [jacobians(at_random(jax.random.key(draw)), carry_size, width - carry_size, dtype) for draw in range(DRAWS)]
    passes, direct = (jnp.asarray(sum(abs(draw[part][:carry_size]) for draw in draws)) > 0 for part in (0, 1))
    direct = direct.at[:, params_size:].set(jnp.eye(carry_size, dtype=bool))
    reached = direct
    for _ in range(steps - 1):
        reached = direct | (passes.astype(float) @ reached.astype(float) > 0)
    return reached
