"""Backpropagation through time by hand around the recurrent product, the fastest on a CPU: see `unroll`."""

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll import _deferred


@checked
def unroll() -> Unroll:
    """Backpropagation through time, products for the weights taken for many steps at once: the fastest on a CPU.

    It can be differentiated in reverse mode alone; for forward mode (`jax.jvp`, `jax.jacfwd`) take `scan`.
    """
    return _deferred.deferred
