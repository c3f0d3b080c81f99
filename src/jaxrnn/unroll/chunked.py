"""The exact gradient in less memory: the backward pass recomputes parts of the forward pass."""

import math

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.types import Size, Unroll
from jaxrnn.unroll.contract import in_time, step_of, steps_in_time


@checked
def unroll(k: Size | None = None) -> Unroll:
    """Gradient checkpointing in time: keeps every k-th carry and recomputes the others in the backward pass.

    Memory falls from T to about T / k + k carries: T / k between the chunks, and k inside the current chunk. The price
    is about one more forward pass (Chen et al. 2016).

    Args:
      k: steps per chunk; None for round(sqrt(T)), which needs the least memory.
    """

    def chunked(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        step = step_of(cell, params, xs)
        size = min(k or round(math.sqrt(len(xs))), len(xs)) or 1
        in_chunks = len(xs) // size * size
        inputs = steps_in_time(xs, mask, reset, reverse)
        head = jax.tree.map(lambda a: a[:in_chunks].reshape(in_chunks // size, size, *a.shape[1:]), inputs)
        tail = jax.tree.map(lambda a: a[in_chunks:], inputs)

        # Inside a scan XLA cannot merge the recomputation with the forward pass, so no barrier is needed.
        chunk = jax.checkpoint(lambda carry, block: lax.scan(step, carry, block), prevent_cse=False)
        carry, ys = lax.scan(chunk, carry, head)
        carry, ys_tail = lax.scan(step, carry, tail)
        return carry, in_time(reverse, jnp.concatenate([ys.reshape(in_chunks, *ys.shape[2:]), ys_tail]))

    return chunked
