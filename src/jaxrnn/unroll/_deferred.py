"""Backpropagation through time by hand around the recurrent product: faster, and the gradient of `jaxrnn.unroll.scan`.

With a_t = z_{t-1} W_h, where z is what the carry feeds back, the chain rule gives

    dL/dz_{t-1} = dL/da_t W_h^T + ...        in the backward loop
    dL/dW_h = sum_t z_{t-1}^T dL/da_t        one product of [H, k B] and [k B, G] for every k steps

and likewise for the input's product. The plain scan adds a small product to the gradient at every step instead, and
reads W_h against its layout.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.cells._step import Step, dot
from jaxrnn.jax_internals import reverse_mode_alone, with_weights, without_weights
from jaxrnn.unroll._contract import cast_like, in_time, scan, segments, summed_in_float32, where

# Rows of gate gradients that are collected before the products are taken: large products are fast, few rows fit caches.
AT_ONCE = 512
FEW = 8  # recurrent weights below which the whole step of the plain scan is one loop of a processor
WIDE = 256  # inputs from which a CPU too may take their product before the loop


def deferred(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """`scan` with the gradients of its products with weights taken for many steps at once.

    For cells whose step is of the kind `Step`; others (cells with a learned carry too), dropout on the recurrence,
    recurrent weights of a few numbers, and fewer than two steps are left to `scan`.
    It can be differentiated in reverse mode alone (`jax.custom_vjp`).
    """
    if jax.config.jax_disable_jit:  # each step is traced by itself, and no two functions of `jax.vjp` are one pytree
        return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    if not isinstance(cell.step, Step) or not isinstance(params.w_h, jax.Array) or params.w_h.size < FEW or len(xs) < 2:
        return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    initial = cell.initial(params, xs.shape[1:-1])
    inputs = in_time(reverse, (xs, mask, segments(reset, reverse)))
    with reverse_mode_alone("unroll deferred", "the unroll scan, jaxrnn.unroll.scan.unroll()"):
        carry, ys = _unrolled(cell, projects_outside(xs.shape[-1], len(params.w_h)))(params, carry, initial, *inputs)
    return carry, in_time(reverse, ys)


def projects_outside(inputs, fed_back):
    """Whether the inputs' product is one large one before the loop, instead of a small one a step.

    On a CPU the small one's result stays in the cache, which is faster unless it outweighs the recurrent product.

    Args:
      inputs, fed_back: the rows of the two weights.
    """
    return jax.default_backend() != "cpu" or inputs >= max(WIDE, 2 * fed_back)


class _Parts(NamedTuple):
    """A cell's step around its recurrent product, under the mask and the reset contract.

    Fields:
      source: carry -> what W_h multiplies.
      local: (params, carry, u, a, valid) -> (carry, y), a step between the products.
      before_loop, inside_loop: (params, xs or x_t, mask) -> u, where the inputs' product is taken.
      project_rows: (params, xs [T, B, D], mask) -> u [T B, G].
    """

    source: Callable[..., Any]
    local: Callable[..., Any]
    before_loop: Callable[..., Any]
    inside_loop: Callable[..., Any]
    project_rows: Callable[..., Any]


def _parts(cell, outside):
    source, combine, _ = cell.step

    def local(params, carry, u, a, valid):
        new_carry, y = combine(params, carry, u, a)
        new_carry = cast_like(new_carry, carry)
        if valid is None:
            return new_carry, y
        return where(valid, new_carry, carry), where(valid, y, jnp.zeros_like(y))

    def project(params, xs, mask):
        return cell.project(params, xs if mask is None else where(mask, xs, jnp.zeros_like(xs)))

    def before_loop(params, xs, mask):
        return project(params, xs, mask) if outside else xs

    def inside_loop(params, x, valid):
        return x if outside else project(params, x, valid)

    def project_rows(params, xs, mask):
        return _rows(project(params, _rows(xs), None if mask is None else mask.reshape(-1)))

    return _Parts(source, local, before_loop, inside_loop, project_rows)


def _unrolled(cell, outside):
    """(params, carry, initial, xs, mask, reset) -> (carry, ys), with its backward pass by hand."""
    parts = _parts(cell, outside)

    @jax.custom_vjp
    def run(params, carry, initial, xs, mask, reset):
        def step(carry, inputs):
            x, valid, restart = inputs
            carry = _entering(carry, initial, restart)
            a = dot(parts.source(carry), params.w_h)
            return parts.local(params, carry, parts.inside_loop(params, x, valid), a, valid)

        return lax.scan(step, carry, (parts.before_loop(params, xs, mask), mask, reset))

    run.defvjp(partial(_forward, parts), partial(_backward, parts))
    return run


def _entering(carry, initial, restart):
    return carry if restart is None else where(restart, initial, carry)


def _forward(parts, params, carry, initial, xs, mask, reset):
    """The unroll, with what its backward pass needs."""

    def step(carry, inputs):
        x, valid, restart = inputs
        carry = _entering(carry, initial, restart)
        z, back_to_carry = jax.vjp(parts.source, carry)
        a, u = dot(z, params.w_h), parts.inside_loop(params, x, valid)
        (carry, y), back = jax.vjp(lambda *args: parts.local(*args, valid), params, carry, u, a)
        return carry, (y, z, back_to_carry, without_weights(params, back))

    inputs = parts.before_loop(params, xs, mask), mask, reset
    last, (ys, zs, backs_to_carry, backs) = lax.scan(step, carry, inputs)
    return (last, ys), (params, initial, xs, mask, reset, zs, backs_to_carry, backs)


def _backward(parts, kept, gradient):
    """The gradient, block by block from the last to the first."""
    params, initial, xs, mask, reset, zs, backs_to_carry, backs = kept
    d_last, d_ys = gradient
    steps = len(xs)
    rows = zs.size // (steps * zs.shape[-1])
    step = _step_back(params, zs.dtype, rows)

    def block(sums, inputs):
        xs, mask, zs, *along = inputs
        (d_carry, d_params, d_initial), (d_us, d_as) = lax.scan(step, sums, tuple(along), reverse=True)
        d_as = _rows(d_as)
        _, project_back = jax.vjp(lambda params, xs: parts.project_rows(params, xs, mask), params, xs)
        _, product_back = jax.vjp(lambda w_h: dot(_rows(zs), w_h), params.w_h)
        of_project, d_xs = project_back(d_as if d_us is None else _rows(d_us))
        d_params = jax.tree.map(jnp.add, d_params, of_project)
        d_params = d_params._replace(w_h=d_params.w_h + product_back(d_as)[0])
        return (d_carry, d_params, d_initial), d_xs

    inputs = (xs, mask, zs, d_ys, backs, backs_to_carry, reset)
    sums = (d_last, *jax.tree.map(jnp.zeros_like, (summed_in_float32(params)[0], initial)))
    size = max(1, AT_ONCE // max(rows, 1))
    if steps < 2 * size:
        (d_carry, d_params, d_initial), d_xs = block(sums, inputs)
        return cast_like(d_params, params), d_carry, d_initial, d_xs, None, None

    def numbered_block(sums, number):
        return block(sums, jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, number * size, size), inputs))

    whole = steps // size * size
    tail = xs[whole:]
    if whole < steps:
        sums, tail = block(sums, jax.tree.map(lambda a: a[whole:], inputs))
    (d_carry, d_params, d_initial), d_xs = lax.scan(numbered_block, sums, jnp.arange(steps // size), reverse=True)
    d_xs = jnp.concatenate([d_xs.reshape(whole, *xs.shape[1:]), tail])
    return cast_like(d_params, params), d_carry, d_initial, d_xs, None, None


def _step_back(params, dtype, rows):
    """One step of the backward loop: (sums, what the step kept) -> (sums, (dL/du_t, dL/da_t))."""
    turned = params.w_h.T  # once and for all; one row is multiplied as fast by the matrix as it lies

    def step(sums, inputs):
        d_carry, d_params, d_initial = sums
        d_y, back, back_to_carry, restart = inputs
        more, d_carry, d_u, d_a = with_weights(params, back)((d_carry, d_y))
        (through,) = back_to_carry(dot(d_a, turned if rows > 1 else params.w_h.T).astype(dtype))
        d_carry = jax.tree.map(jnp.add, d_carry, through)
        if restart is not None:
            none = jax.tree.map(jnp.zeros_like, d_carry)
            d_initial = jax.tree.map(jnp.add, d_initial, where(restart, d_carry, none))
            d_carry = where(restart, none, d_carry)
        d_params = jax.tree.map(jnp.add, d_params, more)
        return (d_carry, d_params, d_initial), (None if d_u is d_a else d_u, d_a)  # one where u + a is all

    return step


def _rows(sequences):
    """[T, B, G] as [T B, G]."""
    return sequences.reshape(-1, sequences.shape[-1])
