"""Real-time recurrent learning unit by unit: exact for cells whose units see themselves alone.

Of J_t the blocks that lead from a unit's own values to its own values are kept, through the recurrent weights too: the
diagonal approximation of Wang et al. 2024 (braintrace), without its filter.
"""

from typing import Any

import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll._online import matrix, online


def rule() -> Any:
    """The `Rule` whose Jacobian keeps what a unit does to itself."""
    return matrix(passed=_own_units)


@checked
def unroll() -> Unroll:
    """Real-time recurrent learning by own units, for cells whose carry holds one or several values a unit."""
    return online(rule(), "diagonal_rtrl")


def _own_units(rows, carry):
    units = rows - carry
    if carry % units:
        raise ValueError(f"unroll=diagonal_rtrl needs values of each of the {units} units in the carry; it has {carry}")
    return jnp.arange(rows)[:, None] % units == jnp.arange(carry) % units
