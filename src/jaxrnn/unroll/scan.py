"""Backpropagation through time by JAX's autodiff of one `lax.scan`, with memory linear in T."""

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll.contract import scan


@checked
def unroll() -> Unroll:
    """Backpropagation through time over the whole sequence; the baseline for every other unroll."""
    return scan
