"""The backward pass of `deferred`, which derives it: step by step for the carry, block by block for the weights."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Num

from jaxrnn.cells.step import dot
from jaxrnn.jax_internals import with_weights
from jaxrnn.types import Carry, Params
from jaxrnn.unroll.contract import cast_like, summed_in_float32, where

ROWS_PER_PRODUCT = 512  # rows of delta_t per product: large products are fast, but only few rows fit the cache


class Saved(NamedTuple):
    """Values that the forward pass keeps for the backward pass.

    Fields:
      params, initial, xs, mask, reset: arguments of the unroll, the last two [T, B].
      zs: z_{t-1}.
      backs_to_carry: T functions, stacked as one pytree, dL/dz -> dL/dcarry, the derivatives of `_Parts.source`.
      backs: T functions, stacked in the same way, (dL/dcarry, dL/dy) -> gradients of the arguments of `_Parts.local`,
        without the weights.
    """

    params: Params
    initial: Carry
    xs: Num[Array, "T *B D"]
    mask: jax.Array | None
    reset: jax.Array | None
    zs: Float[Array, "T *B H"]
    backs_to_carry: Callable[..., Any]
    backs: Callable[..., Any]


class _Sums(NamedTuple):
    """Gradients that the backward loop carries from step to step: dL/dcarry_t, and sums over the later steps."""

    carry: Carry
    params: Params
    initial: Carry


class _StepsBack(NamedTuple):
    """Inputs of the backward loop with a leading time axis: values of the forward pass, and dL/dy."""

    xs: Num[Array, "T *B D"]
    mask: jax.Array | None
    zs: Float[Array, "T *B H"]
    d_ys: Float[Array, "T *B H"]
    backs: Callable[..., Any]
    backs_to_carry: Callable[..., Any]
    reset: jax.Array | None


def backward(parts, saved, gradient):
    """Computes the gradients of the arguments of the unroll, from the last block of steps to the first."""
    params, xs, zs = saved.params, saved.xs, saved.zs
    d_last, d_ys = gradient
    rows_per_step = zs.size // (len(xs) * zs.shape[-1])
    block = partial(_block_back, parts, params, _step_back(params, zs.dtype, rows_per_step))
    steps = _StepsBack(xs, saved.mask, zs, d_ys, saved.backs, saved.backs_to_carry, saved.reset)
    # Sums over steps are taken in float32 at least, and rounded to the dtype of the params once, at the end.
    zeros = jax.tree.map(jnp.zeros_like, (summed_in_float32(params)[0], saved.initial))
    sums, d_xs = _block_by_block(block, _Sums(d_last, *zeros), steps, max(1, ROWS_PER_PRODUCT // max(rows_per_step, 1)))
    return cast_like(sums.params, params), sums.carry, sums.initial, d_xs, None, None


def _block_by_block(block, sums, steps, size):
    """Applies (sums, steps) -> (sums, d_xs) to blocks of `size` steps, backwards in time; returns (sums, d_xs).

    If `size` does not divide the number of steps, the remaining steps form the last block in time.
    """
    count = len(steps.xs)
    if count < 2 * size:
        return block(sums, steps)
    in_blocks = count // size * size

    def numbered_block(sums, number):
        return block(sums, jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, number * size, size), steps))

    tail = steps.xs[in_blocks:]
    if in_blocks < count:
        sums, tail = block(sums, jax.tree.map(lambda a: a[in_blocks:], steps))
    sums, d_xs = lax.scan(numbered_block, sums, jnp.arange(count // size), reverse=True)
    return sums, jnp.concatenate([d_xs.reshape(in_blocks, *steps.xs.shape[1:]), tail])


def _block_back(parts, params, step, sums, steps):
    """Goes back through some steps, then adds the gradients of both products for all of them at once.

    `jax.vjp` of the products over all rows gives sum_t z_{t-1}^T dL/da_t and sum_t x_t^T dL/du_t as one product each.

    Returns:
      (`_Sums`, dL/dx of these steps).
    """
    along = steps.d_ys, steps.backs, steps.backs_to_carry, steps.reset
    sums, (d_us, d_as) = lax.scan(step, sums, along, reverse=True)
    d_as = rows(d_as)
    _, project_back = jax.vjp(lambda params, xs: parts.project_rows(params, xs, steps.mask), params, steps.xs)
    _, product_back = jax.vjp(lambda w_h: dot(rows(steps.zs), w_h), params.w_h)
    from_inputs, d_xs = project_back(d_as if d_us is None else rows(d_us))
    d_params = jax.tree.map(jnp.add, sums.params, from_inputs)
    d_params = d_params._replace(w_h=d_params.w_h + product_back(d_as)[0])
    return sums._replace(params=d_params), d_xs


def _step_back(params, dtype, rows_per_step):
    """Returns a step of the backward loop: (`_Sums`, saved values of the step) -> (`_Sums`, (dL/du_t, dL/da_t)).

    The loop computes only what the step before needs, dL/dcarry_{t-1} = (dL/da_t W_h^T through the source) + (the part
    of the carry that does not go through the product), and the small gradients of biases and gains.
    """
    transposed = params.w_h.T  # computed once, outside the loop

    def step(sums, inputs):
        d_y, back, back_to_carry, restart = inputs
        from_step, d_carry, d_u, d_a = with_weights(params, back)((sums.carry, d_y))
        # With a single row the product is as fast with the matrix that is not transposed.
        d_z = dot(d_a, transposed if rows_per_step > 1 else params.w_h.T).astype(dtype)
        d_carry = jax.tree.map(jnp.add, d_carry, back_to_carry(d_z)[0])
        d_initial = sums.initial
        if restart is not None:  # the step began with the initial carry, so the gradient goes there
            zeros = jax.tree.map(jnp.zeros_like, d_carry)
            d_initial = jax.tree.map(jnp.add, d_initial, where(restart, d_carry, zeros))
            d_carry = where(restart, zeros, d_carry)
        d_params = jax.tree.map(jnp.add, sums.params, from_step)
        same = d_u is d_a  # as for a step that only reads u + a: one array is enough
        return _Sums(d_carry, d_params, d_initial), (None if same else d_u, d_a)

    return step


def rows(sequences):
    """Reshapes [T, B, G] to [T B, G]."""
    return sequences.reshape(-1, sequences.shape[-1])
