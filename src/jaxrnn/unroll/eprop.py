"""E-prop, Bellec et al. 2020: follows how a unit acts on itself through its own state, not how it acts on others.

J_t leaves out the product with the recurrent weights. For an LSTM the path from c_{t-1} to c_t, a factor f_t, remains.
With the true errors instead of random feedback, this is also RFLO (Murray 2019) for the leaky network. E-prop is exact
if W_h = 0.
"""

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll._online import Rule, matrix_rule, online


def rule() -> Rule:
    """The `Rule` whose Jacobian leaves out the product with `w_h`."""
    return matrix_rule(without_product=True)


@checked
def unroll() -> Unroll:
    """E-prop, for cells whose carry acts through one product with `w_h`, or through none."""
    return online(rule(), "eprop")
