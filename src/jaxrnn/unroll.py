"""Unrolling a cell in time: `scan`, `chunked`, `truncated`, and `loop`, their specification.

All share one signature, `(cell, params, carry, xs, *, mask=None, reset=None, reverse=False) -> (carry, ys)`:

  cell: a `Cell`; close over it, never pass it through `jit`.
  params: the cell's params.
  carry: the carry before the first step, leaves [B, ...]; it keeps its dtype throughout.
  xs: inputs [T, B, D]; any number of batch axes B, also none.
  mask: valid steps [T, B]. Where false the carry is kept, the output is zero, and nothing there reaches a gradient,
    NaN included. Any pattern, also no valid step at all.
  reset: [T, B], the steps before which the carry returns to its initial value: where a new segment begins.
  reverse: run from the last step to the first; ys stay in the order of xs, and a segment's last step, which a
    reversed run meets first, is where the carry returns to its initial value.

The values never differ between them; the gradient of `truncated` does, which is what it is for.
"""

import math

import jax
import jax.numpy as jnp
from jax import lax


def scan(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """Backpropagation through time over the whole sequence: one `lax.scan`, memory linear in T."""
    step = step_of(cell, params, xs)
    return lax.scan(step, carry, (xs, mask, segments(reset, reverse)), reverse=reverse)


def loop(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """A Python loop, the executable specification of all unrolls; slow to compile for long sequences."""
    if len(xs) == 0:
        return scan(cell, params, carry, xs)
    steps, initial = range(len(xs)), cell.initial(params, xs.shape[1:-1])
    ys = [None] * len(xs)
    for t in reversed(steps) if reverse else steps:
        boundary = t + 1 if reverse else t
        if reset is not None and boundary < len(xs):
            carry = where(reset[boundary], initial, carry)
        x_t = xs[t] if mask is None else where(mask[t], xs[t], jnp.zeros_like(xs[t]))
        new_carry, y_t = cell.step(params, carry, cell.project(params, x_t))
        new_carry = cast_like(new_carry, carry)
        if mask is not None:
            new_carry, y_t = where(mask[t], new_carry, carry), where(mask[t], y_t, jnp.zeros_like(y_t))
        carry, ys[t] = new_carry, y_t
    return carry, jnp.stack(ys)


def chunked(k=None):
    """The exact gradient in less memory: only every k-th carry is kept, the rest is computed again going back.

    Memory falls from T to about T / k + k carries, at the price of about one more forward pass (Chen et al. 2016).

    Args:
      k: steps a chunk; None for round(sqrt(T)), which needs least.
    """

    def unroll(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
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

    return unroll


def truncated(k1, k2=None):
    """Truncated backpropagation through time, BPTT(k2; k1) of Williams & Peng 1990.

    The losses of every k1 successive steps are propagated back together, over the k2 steps that end with them; the
    carry that enters those k2 steps is a constant. k2 = T or more is full backpropagation; k1 = k2 cuts the sequence
    into pieces; k1 = k2 = 1 sees no step but its own. Costs one pass without a gradient and k2 / k1 with one, all
    windows at once.

    Args:
      k1: steps between two backward passes.
      k2: steps that each goes back, k1 or more; None for k1.

    Raises:
      ValueError: if k2 < k1, where some losses would reach no weight.
    """
    k2 = k1 if k2 is None else k2
    if k2 < k1:
        raise ValueError(f"truncated(k1={k1}, k2={k2}): k2 must be k1 or more, else some losses reach no weight")

    def unroll(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        steps = len(xs)
        if steps == 0:
            return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
        step = step_of(cell, params, xs)
        xs, mask, reset = in_time(reverse, (xs, mask, segments(reset, reverse)))
        mask = jnp.ones(xs.shape[:-1], bool) if mask is None else mask

        # The carry before every step, as constants.
        constants = lax.stop_gradient((carry, xs))
        frozen = step_of(cell, lax.stop_gradient(params), xs)
        _, before = lax.scan(lambda c, x: (frozen(c, x)[0], c), constants[0], (constants[1], mask, reset))

        # Window j ends with the j-th k1 steps (the last ones may be fewer) and holds k2 steps.
        ends = jnp.minimum(k1 * jnp.arange(1, -(-steps // k1) + 1), steps)
        starts = ends - k2
        times = starts[:, None] + jnp.arange(k2)
        inside, times = times >= 0, jnp.maximum(times, 0)

        def at_start(constant, live):
            from_here = (starts > 0).reshape(-1, *[1] * live.ndim)
            return jnp.where(from_here, constant[jnp.maximum(starts, 0)], live)

        windows = (
            xs[times],
            mask[times] & inside.reshape(*inside.shape, *[1] * (mask.ndim - 1)),
            None if reset is None else reset[times] & inside.reshape(*inside.shape, *[1] * (reset.ndim - 1)),
        )
        carries = jax.tree.map(at_start, before, carry)
        carries, ys = jax.vmap(lambda carry, window: lax.scan(step, carry, window))(carries, windows)
        own = jnp.arange(steps) // k1
        ys = ys[own, jnp.arange(steps) - starts[own]]
        return jax.tree.map(lambda a: a[-1], carries), in_time(reverse, ys)

    return unroll


def step_of(cell, params, xs):
    """(carry, (x_t, valid, restart)) -> (carry, y_t): a cell's step under the mask and the reset contract."""
    initial = cell.initial(params, xs.shape[1:-1])

    def step(carry, inputs):
        x_t, valid, restart = inputs
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
