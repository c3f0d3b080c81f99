"""Truncated backpropagation through time."""

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.types import Size, Unroll
from jaxrnn.unroll.contract import in_time, scan, step_of, steps_in_time


@checked
def unroll(k1: Size, k2: Size | None = None) -> Unroll:
    """Truncated backpropagation through time, BPTT(k2; k1) of Williams & Peng 1990.

    The losses of k1 successive steps are propagated back together, over the window of k2 steps that ends with them. The
    carry that enters a window is a constant. So k2 >= T is full backpropagation, k1 = k2 cuts the sequence into pieces,
    and with k1 = k2 = 1 a loss sees its own step only. It costs one pass without a gradient and k2 / k1 passes with a
    gradient. All windows run at once.

    Args:
      k1: steps between two backward passes.
      k2: steps that each backward pass covers, at least k1; None for k1.

    Raises:
      ValueError: if k2 < k1, because some losses would reach no weight.
    """
    k2 = k1 if k2 is None else k2
    if k2 < k1:
        raise ValueError(
            f"unroll.k2={k2} is less than unroll.k1={k1}, so some losses would reach no weight; give k1 or more"
        )

    def truncated(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        steps = len(xs)
        if steps == 0:
            return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
        step = step_of(cell, params, xs)
        xs, mask, reset = steps_in_time(xs, mask, reset, reverse)
        mask = jnp.ones(xs.shape[:-1], bool) if mask is None else mask

        # First pass: the carry before every step, as constants.
        constants = lax.stop_gradient((carry, xs))
        frozen = step_of(cell, lax.stop_gradient(params), xs)
        _, before = lax.scan(lambda c, x: (frozen(c, x)[0], c), constants[0], (constants[1], mask, reset))

        # Second pass: every window from its constant carry. Windows overlap, and the output of a step is taken from the
        # window that ends with the step's group of k1, so its loss goes back through that window only.
        starts, carries, windows = _windows(k1, k2, before, carry, (xs, mask, reset))
        carries, ys = jax.vmap(lambda carry, window: lax.scan(step, carry, window))(carries, windows)
        window = jnp.arange(steps) // k1
        ys = ys[window, jnp.arange(steps) - starts[window]]
        return jax.tree.map(lambda a: a[-1], carries), in_time(reverse, ys)

    return truncated


def _windows(k1, k2, before, carry, inputs):
    """Cuts windows of k2 steps: window j ends with the j-th group of k1 steps. The last group may be shorter.

    A window that would begin before the first step is filled with steps that are not valid. It gets the first carry
    itself, so that the gradient reaches it.

    Args:
      k1, k2: as in `unroll`.
      before: constant carries before every step, leaves [T, B, ...].
      carry: the carry before the first step.
      inputs: (xs, mask, reset or None), leaves [T, B, ...].

    Returns:
      (starts [J], carries that enter the windows, leaves [J, B, ...], inputs of the windows, leaves [J, k2, B, ...]).
    """
    xs, mask, reset = inputs
    steps = len(xs)
    ends = jnp.minimum(k1 * jnp.arange(1, -(-steps // k1) + 1), steps)
    starts = ends - k2
    times = starts[:, None] + jnp.arange(k2)
    inside, times = times >= 0, jnp.maximum(times, 0)

    def at_start(constant, first):
        is_inside = (starts > 0).reshape(-1, *[1] * first.ndim)
        return jnp.where(is_inside, constant[jnp.maximum(starts, 0)], first)

    def valid(flags):
        return jnp.asarray(flags)[times] & inside.reshape(*inside.shape, *[1] * (flags.ndim - 1))

    windows = jnp.asarray(xs)[times], valid(mask), None if reset is None else valid(reset)
    return starts, jax.tree.map(at_start, before, carry), windows
