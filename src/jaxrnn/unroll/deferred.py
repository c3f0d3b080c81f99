"""Backpropagation through time with a hand-written backward loop: the gradient of `jaxrnn.unroll.scan`, faster.

A step first takes the product a_t = z_{t-1} W_h, where z is the part of the carry that feeds back (h of an LSTM). With
delta_t = dL/da_t the chain rule gives

    dL/dz_{t-1} = delta_t W_h^T + ...          needed one step further back, so it is inside the backward loop
    dL/dW_h     = sum_t z_{t-1}^T delta_t      needed by no step, so it can wait until k steps are there

One product of [H, k B] and [k B, G] then replaces k small ones, and W_h is transposed once. The plain scan adds a small
product to the gradient at every step instead. The product with the input's weights is treated in the same way.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.cells.step import dot, has_dropout
from jaxrnn.cells.structure import step_with_product
from jaxrnn.jax_internals import reverse_mode_only, without_weights
from jaxrnn.types import Unroll
from jaxrnn.unroll._deferred_backward import Saved, backward, rows
from jaxrnn.unroll.cell_derivatives import with_written_derivative
from jaxrnn.unroll.contract import entering, in_time, leaving, masked, scan, steps_in_time

FEWEST_WEIGHTS = 8  # with fewer recurrent weights a step of the plain scan is one fused loop
WIDE_INPUT = 256  # width of the inputs from which even a CPU may take their product before the loop


@checked
def unroll() -> Unroll:
    """Backpropagation through time that takes the weights' gradients for many steps at once: the fastest on a CPU.

    It supports reverse-mode differentiation only; for forward mode (`jax.jvp`, `jax.jacfwd`) use `scan`.
    """
    return deferred


def deferred(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """Unrolls like `scan` (same arguments), with the gradients of the weights taken for many steps at once.

    It requires a cell whose step is a `Step`. It calls `scan` for all other cells (also those with a learned carry),
    for dropout on the recurrence, for fewer than FEWEST_WEIGHTS recurrent weights, and for fewer than two steps.
    `jax.custom_vjp` supports reverse-mode differentiation only.
    """
    # Without jit each step is traced by itself, and the functions that `jax.vjp` returns differ as pytrees.
    if jax.config.values["jax_disable_jit"] or len(xs) < 2 or not _has_one_product(cell, params):
        return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    initial = cell.initial(params, xs.shape[1:-1])
    inputs = steps_in_time(xs, mask, reset, reverse)
    with reverse_mode_only("unroll deferred", "the unroll scan, jaxrnn.unroll.scan.unroll()"):
        carry, ys = _unrolled(cell, projects_outside(xs.shape[-1], len(params.w_h)))(params, carry, initial, *inputs)
    return carry, in_time(reverse, ys)


def _has_one_product(cell, params):
    is_plain = step_with_product(cell) is not None and not has_dropout(params)
    return is_plain and params.w_h.size >= FEWEST_WEIGHTS


def projects_outside(input_size, fed_back_size):
    """Returns whether the product with the inputs is one large product before the loop, not a small one per step.

    On a CPU the result of a small product stays in the cache. That is faster, unless the product with the inputs is
    much larger than the recurrent one.

    Args:
      input_size, fed_back_size: number of rows of W_x and of W_h.
    """
    return jax.default_backend() != "cpu" or input_size >= max(WIDE_INPUT, 2 * fed_back_size)


class _Parts(NamedTuple):
    """A cell's step that obeys `mask` and `reset`, split at its products.

    Fields:
      source: carry -> z, the factor of W_h.
      local: (params, carry, u, a, valid) -> (carry, y), the step after its products.
      before_loop, inside_loop: (params, xs or x_t, mask) -> u. Exactly one of them multiplies the inputs by W_x.
      project_rows: (params, xs [T, B, D], mask) -> u [T B, G].
    """

    source: Callable[..., Any]
    local: Callable[..., Any]
    before_loop: Callable[..., Any]
    inside_loop: Callable[..., Any]
    project_rows: Callable[..., Any]


def _parts(cell, outside):
    source, combine = cell.step.source, with_written_derivative(cell).step.combine

    def local(params, carry, u, a, valid):
        return leaving(carry, *combine(params, carry, u, a), valid=valid)

    def project(params, xs, mask):
        return cell.project(params, masked(xs, mask))

    def before_loop(params, xs, mask):
        return project(params, xs, mask) if outside else xs

    def inside_loop(params, x, valid):
        return x if outside else project(params, x, valid)

    def project_rows(params, xs, mask):
        return rows(project(params, rows(xs), None if mask is None else mask.reshape(-1)))

    return _Parts(source, local, before_loop, inside_loop, project_rows)


def _unrolled(cell, outside):
    """Returns (params, carry, initial, xs, mask, reset) -> (carry, ys), with a hand-written backward pass."""
    parts = _parts(cell, outside)

    @jax.custom_vjp
    def run(params, carry, initial, xs, mask, reset):
        def step(carry, inputs):
            x, valid, restart = inputs
            carry = entering(carry, initial, restart)
            a = dot(parts.source(carry), params.w_h)
            return parts.local(params, carry, parts.inside_loop(params, x, valid), a, valid)

        return lax.scan(step, carry, (parts.before_loop(params, xs, mask), mask, reset))

    run.defvjp(partial(_forward, parts), partial(backward, parts))
    return run


def _forward(parts, params, carry, initial, xs, mask, reset):
    """Returns the unroll and its `Saved`. `jax.vjp` of each step splits its derivative at the product with W_h."""

    def step(carry, inputs):
        x, valid, restart = inputs
        carry = entering(carry, initial, restart)
        z, back_to_carry = jax.vjp(parts.source, carry)
        a, u = dot(z, params.w_h), parts.inside_loop(params, x, valid)
        (carry, y), back = jax.vjp(lambda *args: parts.local(*args, valid), params, carry, u, a)
        return carry, (y, z, back_to_carry, without_weights(params, back))

    inputs = parts.before_loop(params, xs, mask), mask, reset
    last, (ys, zs, backs_to_carry, backs) = lax.scan(step, carry, inputs)
    return (last, ys), Saved(params, initial, xs, mask, reset, zs, backs_to_carry, backs)
