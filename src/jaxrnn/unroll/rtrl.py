"""Real-time recurrent learning, Williams & Zipser 1989: the exact gradient, computed forwards.

It keeps the whole M_t [C, P] of `_online`. For H units and H^2 weights that costs H^4 products per step and H^3 numbers
per sequence, for any T.
"""

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll._online import Rule, matrix_rule, online


def rule() -> Rule:
    """The `Rule` that keeps the whole M_t."""
    return matrix_rule()


@checked
def unroll() -> Unroll:
    """Real-time recurrent learning. Its gradients of the params and of the first carry are the same as with `scan`."""
    return online(rule(), "rtrl")
