"""Backpropagation through time as JAX takes it: one `lax.scan`, memory linear in T."""

from jaxrnn.arguments import checked
from jaxrnn.types import Unroll
from jaxrnn.unroll._contract import scan


@checked
def unroll() -> Unroll:
    """Backpropagation through time over the whole sequence; every other unroll is measured against it."""
    return scan
