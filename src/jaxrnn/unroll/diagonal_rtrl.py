"""Real-time recurrent learning unit by unit: exact for cells whose units act on themselves only.

J_t keeps the blocks that lead from the values of a unit to the values of the same unit, also through the recurrent
weights. This is the diagonal approximation of Wang et al. 2024 (braintrace), without its filter.
"""

import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll._online import Rule, matrix_rule, online


def rule() -> Rule:
    """The `Rule` whose Jacobian keeps the action of each unit on itself."""
    return matrix_rule(jacobian_mask=_same_unit)


@checked
def unroll() -> Unroll:
    """Real-time recurrent learning unit by unit, for cells whose carry holds one or several values per unit."""
    return online(rule(), "diagonal_rtrl")


def _same_unit(rows, carry_size):
    """Returns [C + H, C], true where row and column belong to one unit: value n belongs to unit n mod H."""
    units = rows - carry_size
    if carry_size % units:
        raise ValueError(
            f"unroll=diagonal_rtrl needs a carry with values per unit: expected a multiple of {units} values, "
            f"found {carry_size}; use unroll=rtrl"
        )
    return jnp.arange(rows)[:, None] % units == jnp.arange(carry_size) % units
