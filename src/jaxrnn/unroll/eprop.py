"""E-prop, Bellec et al. 2020: what a unit does to itself through its own state is followed, not what it does to others.

J_t leaves out the product with the recurrent weights: of an LSTM it is the path from c_{t-1} to c_t, times f_t. With
the true errors in the place of random feedback this is also RFLO (Murray 2019) for the leaky network. It is exact
where W_h = 0.
"""

from typing import Any

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll._online import matrix, online


def rule() -> Any:
    """The `Rule` whose Jacobian leaves the product with `w_h` out."""
    return matrix(held=True)


@checked
def unroll() -> Unroll:
    """E-prop, for cells whose carry acts through one product with `w_h`, or none."""
    return online(rule(), "eprop")
