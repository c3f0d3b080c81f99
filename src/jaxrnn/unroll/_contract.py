"""What the unrolls share: a step under the mask and the reset contract, and the plain scan that they fall back on."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.cells._step import carry_dtype
from jaxrnn.unroll._cell_derivatives import with_written_derivative


class Recorded(NamedTuple):
    """What an unroll that records gets and returns in the carry's place: nets hand it through untouched.

    Fields:
      carry: the carry itself.
      content: going in what is done to the layer, coming out what was seen of it.
    """

    carry: Any
    content: Any = None


def scan(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """Backpropagation through time over the whole sequence: one `lax.scan`, memory linear in T."""
    step = step_of(cell, params, xs)
    return lax.scan(step, carry, (xs, mask, segments(reset, reverse)), reverse=reverse)


def step_of(cell, params, xs):
    """(carry, (x_t, valid, restart)) -> (carry, y_t): a cell's step under the mask and the reset contract."""
    cell = with_written_derivative(cell)
    initial = cell.initial(params, xs.shape[1:-1])
    wide, narrow = summed_in_float32(params)

    def step(carry, inputs):
        x_t, valid, restart = inputs
        params = narrow(wide)
        if restart is not None:
            carry = where(restart, initial, carry)
        if valid is not None:
            x_t = where(valid, x_t, jnp.zeros_like(x_t))
        new_carry, y_t = cell.step(params, carry, cell.project(params, x_t))
        new_carry = cast_like(new_carry, carry)
        if valid is not None:
            new_carry, y_t = where(valid, new_carry, carry), where(valid, y_t, jnp.zeros_like(y_t))
        return new_carry, y_t

    return step


def summed_in_float32(params):
    """(the params in float32, the function that gives them back in their own precision).

    A loop over time sums the gradient of an array that it closes over in the dtype of that array, and a sum in bfloat16
    stops growing at 256 times its summands. A loop therefore closes over the float32 params, and takes the params of a
    step from them. Both casts are exact, and the gradient is rounded once, after the sum.
    """
    dtypes = jax.tree.map(lambda a: a.dtype, params)
    wide = jax.tree.map(lambda a: a.astype(carry_dtype(a)) if jnp.issubdtype(a.dtype, jnp.floating) else a, params)
    return wide, lambda wide: jax.tree.map(lambda a, dtype: a.astype(dtype), wide, dtypes)


def segments(reset, reverse):
    """The reset mask as a run in this direction meets it: backwards, a segment ends one step before the next begins."""
    if reset is None or not reverse:
        return reset
    return jnp.concatenate([reset[1:], jnp.zeros_like(reset[:1])])


def in_time(reverse, sequences):
    """The sequences in the order in which a run in this direction meets them."""
    return jax.tree.map(lambda a: jnp.flip(a, 0), sequences) if reverse else sequences


def where(condition, new, old):
    """A pytree's leaves [B, ...] where the condition [B] holds, else those of the other."""

    def choose(a, b):
        return jnp.where(condition.reshape(*condition.shape, *[1] * (a.ndim - condition.ndim)), a, b)

    return jax.tree.map(choose, new, old)


def cast_like(new, old):
    return jax.tree.map(lambda a, b: a.astype(b.dtype), new, old)
