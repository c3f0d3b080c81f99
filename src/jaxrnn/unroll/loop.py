"""A Python loop: the specification of all unrolls, as code."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.types import Carry, Cell, Params, Unroll
from jaxrnn.unroll.contract import cast_like, scan, summed_in_float32, where


@checked
def unroll() -> Unroll:
    """Python loop, the specification of all unrolls; slow to compile for long sequences."""
    return loop


def loop(
    cell: Cell,
    params: Params,
    carry: Carry,
    xs: jax.Array,
    *,
    mask: jax.Array | None = None,
    reset: jax.Array | None = None,
    reverse: bool = False,
) -> tuple[Carry, jax.Array]:
    """Unrolls step by step; arguments and results as in `jaxrnn.unroll`."""
    if len(xs) == 0:
        return scan(cell, params, carry, xs)
    steps, initial = range(len(xs)), cell.initial(params, xs.shape[1:-1])
    wide, narrow = summed_in_float32(params)
    ys: list[Any] = [None] * len(xs)
    for t in reversed(steps) if reverse else steps:
        params = narrow(wide)
        boundary = t + 1 if reverse else t  # a reversed run meets the last step of a segment first
        if reset is not None and boundary < len(xs):
            carry = where(reset[boundary], initial, carry)
        x_t = xs[t] if mask is None else where(mask[t], xs[t], jnp.zeros_like(xs[t]))
        new_carry, y_t = cell.step(params, carry, cell.project(params, x_t))
        new_carry = cast_like(new_carry, carry)
        if mask is not None:
            new_carry, y_t = where(mask[t], new_carry, carry), where(mask[t], y_t, jnp.zeros_like(y_t))
        carry, ys[t] = new_carry, y_t
    return carry, jnp.stack(ys)
