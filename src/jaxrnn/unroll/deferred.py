"""Backpropagation through time with a hand-written backward loop; the derivation is in `_deferred`."""

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll import _deferred


@checked
def unroll() -> Unroll:
    """Backpropagation through time that takes the weights' gradients for many steps at once: the fastest on a CPU.

    It supports reverse-mode differentiation only; for forward mode (`jax.jvp`, `jax.jacfwd`) use `scan`.
    """
    return _deferred.deferred
