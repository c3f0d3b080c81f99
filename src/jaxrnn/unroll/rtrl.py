"""Real-time recurrent learning, Williams & Zipser 1989: the exact gradient, taken forwards.

M_t [C, P] is kept whole: for H units and H^2 weights H^4 products a step and H^3 numbers a sequence, whatever T is.
"""

from typing import Any

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll._online import matrix, online


def rule() -> Any:
    """The `Rule` that keeps M_t whole."""
    return matrix()


@checked
def unroll() -> Unroll:
    """Real-time recurrent learning; its gradient of the params and of the first carry is that of `scan`."""
    return online(rule(), "rtrl")
