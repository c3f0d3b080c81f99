"""Functions that the unrolls share: a step that obeys `mask` and `reset`, and the plain scan."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.cells.step import carry_dtype
from jaxrnn.keys import Keys
from jaxrnn.types import Unroll
from jaxrnn.unroll.cell_derivatives import with_written_derivative


class RandomUnroll(NamedTuple):
    """An unroll whose gradient is drawn at random. Without keys it computes its values, but no gradient.

    Fields:
      with_key: (key) -> unroll. Returns the unroll that draws from key [B], one PRNG key per sequence. Recurrent
        layers call it with keys of their own at every `Net.apply`.
    """

    with_key: Callable[[Keys | None], Unroll]

    def __call__(self, cell, params, carry, xs, **options):
        return self.with_key(None)(cell, params, carry, xs, **options)


def with_key(unroll, key_of):
    """Returns the unroll with the PRNG keys key_of() [B] to draw from; an unroll that draws nothing stays the same."""
    return unroll.with_key(key_of()) if isinstance(unroll, RandomUnroll) else unroll


def scan(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """Unrolls by one `lax.scan`; its gradient is backpropagation through time, with memory linear in T.

    Arguments and results as in `jaxrnn.unroll`.
    """
    step = step_of(cell, params, xs)
    return lax.scan(step, carry, (xs, mask, segments(reset, reverse)), reverse=reverse)


def step_of(cell, params, xs):
    """Returns the cell's step that obeys `mask` and `reset`: (carry, (x_t, valid, restart)) -> (carry, y_t)."""
    cell = with_written_derivative(cell)
    initial = cell.initial(params, xs.shape[1:-1])
    wide, narrow = summed_in_float32(params)

    def step(carry, inputs):
        x_t, valid, restart = inputs
        params = narrow(wide)
        carry = entering(carry, initial, restart)
        return leaving(carry, *cell.step(params, carry, cell.project(params, masked(x_t, valid))), valid)

    return step


def entering(carry, initial, restart):
    """Returns the carry that enters a step: the initial one where the step restarts."""
    return carry if restart is None else where(restart, initial, carry)


def leaving(carry, new_carry, y_t, valid):
    """Returns (carry, y_t) after a step: the old carry and a zero output where the step is not valid."""
    new_carry = cast_like(new_carry, carry)
    return (new_carry if valid is None else where(valid, new_carry, carry)), masked(y_t, valid)


def masked(a, valid):
    """Returns an array with zeros where `valid` is false; None means that all steps are valid.

    Inputs are masked before the step, because a NaN in padding would turn zero gradients into NaN.
    """
    return a if valid is None else where(valid, a, jnp.zeros_like(a))


def summed_in_float32(params):
    """Returns the params in float32 at least, and the function that casts such params back to their own dtypes.

    A loop over time sums the gradient of an array that it closes over in the dtype of that array. A sum in bfloat16
    stops growing at 256 times its summands. A loop therefore closes over the float32 params and casts them at every
    step. Both casts of the values are exact, and the gradient is rounded once, after the sum.
    """
    dtypes = jax.tree.map(lambda a: a.dtype, params)
    wide = jax.tree.map(lambda a: a.astype(carry_dtype(a)) if jnp.issubdtype(a.dtype, jnp.floating) else a, params)
    return wide, lambda wide: jax.tree.map(lambda a, dtype: a.astype(dtype), wide, dtypes)


def segments(reset, reverse):
    """Returns [T, B], true where the carry restarts before the step: in a reversed run, the last step of a segment."""
    if reset is None or not reverse:
        return reset
    return jnp.concatenate([reset[1:], jnp.zeros_like(reset[:1])])


def in_time(reverse, sequences):
    """Returns the sequences in the order in which the run reads them: flipped in time if it is reversed."""
    return jax.tree.map(lambda a: jnp.flip(a, 0), sequences) if reverse else sequences


def steps_in_time(xs, mask, reset, reverse):
    """Returns (xs, mask, where the carry restarts), each as in `in_time`."""
    return in_time(reverse, (xs, mask, segments(reset, reverse)))


def where(condition, new, old):
    """Chooses per sequence between two pytrees with leaves [B, ...], by a condition [B]."""

    def choose(a, b):
        return jnp.where(condition.reshape(*condition.shape, *[1] * (a.ndim - condition.ndim)), a, b)

    return jax.tree.map(choose, new, old)


def cast_like(new, old):
    return jax.tree.map(lambda a, b: a.astype(b.dtype), new, old)
