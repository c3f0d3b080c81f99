"""The exact gradient in less memory, by computing parts of the forward pass again."""

import math

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.types import Size, Unroll
from jaxrnn.unroll._contract import in_time, segments, step_of


@checked
def unroll(k: Size | None = None) -> Unroll:
    """The exact gradient in less memory: only every k-th carry is kept, the rest is computed again going back.

    Memory falls from T to about T / k + k carries, at the price of about one more forward pass (Chen et al. 2016).

    Args:
      k: steps a chunk; None for round(sqrt(T)), which needs least.
    """

    def chunked(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        step = step_of(cell, params, xs)
        size = min(k or round(math.sqrt(len(xs))), len(xs)) or 1
        whole = len(xs) // size * size
        inputs = in_time(reverse, (xs, mask, segments(reset, reverse)))
        head = jax.tree.map(lambda a: a[:whole].reshape(whole // size, size, *a.shape[1:]), inputs)
        tail = jax.tree.map(lambda a: a[whole:], inputs)

        chunk = jax.checkpoint(lambda carry, block: lax.scan(step, carry, block), prevent_cse=False)
        carry, ys = lax.scan(chunk, carry, head)
        carry, rest = lax.scan(step, carry, tail)
        return carry, in_time(reverse, jnp.concatenate([ys.reshape(whole, *ys.shape[2:]), rest]))

    return chunked
