"""The losses whose gradients are followed back through a batch, and what is measured at steps in the order of lags."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.types import Pair

STEPS = 8  # of each sequence, whose losses are followed back one by one


class Losses(NamedTuple):
    """J losses, each of one step of every sequence.

    Fields:
      weights: [J, T, B], of the losses of all steps; of an encoder-decoder, of the answer's.
      end: [J, B], lag 0 of what runs forwards.
      start: [J, B], lag 0 of what runs backwards.
      valid: [T, B], the steps that there are.
    """

    weights: Any
    end: Any
    start: Any
    valid: Any


def losses_read(batch, loss, two_ways):
    """The `Losses` of a batch.

    With a loss at every step, the norm at a step is no function of a lag: the losses of all later steps add up there.
    So single steps are read, each followed back from its own place: `STEPS` of them, evenly spread over the second half
    of those that count, where every one has at least as many steps before it; over the middle third where a network
    reads both ways.

    Args:
      batch: a `Batch`.
      loss: "last" or "every", as of `gradient_flow.measure`.
      two_ways: whether a layer runs backwards.
    """
    paired = isinstance(batch.xs, Pair)
    steps = jnp.arange(len(batch.xs.source if paired else batch.xs))[:, None]
    valid = jnp.ones((len(steps), *batch.fresh.shape), bool) if batch.mask is None else batch.mask
    first = jnp.argmax(valid, axis=0)[None]
    if paired:
        last = jnp.max(jnp.where(valid, steps, 0), axis=0)[None]
        return Losses((batch.weights / jnp.sum(batch.weights, axis=0))[None], last, first, valid)
    counted = batch.weights > 0
    count = jnp.sum(counted, axis=0)
    if loss == "last":
        ranks = jnp.maximum(count - 1, 0)[None]
    else:
        low, high = (count // 3, count - count // 3) if two_ways else (count // 2, count)
        ranks = jnp.maximum(high - 1 - jnp.arange(STEPS)[:, None] * (high - low) // STEPS, 0)
    order = jnp.argsort(jnp.where(counted, steps, len(steps)), axis=0)
    end = jnp.take_along_axis(order, ranks, axis=0)
    single = (loss == "last") | (count == 1)  # such a network reads its backward direction at the first step
    weights = 1.0 * (counted & (steps == end[:, None]))
    return Losses(weights, end, jnp.where(single, first, end), valid)


def by_lag(values, losses, reverse):
    """Values at steps [J, T, B] in the order of lags [T, J * B], NaN where a sequence has no such lag."""
    steps = jnp.arange(values.shape[1])[:, None]

    def of_one(values, end, start):
        at = start + steps if reverse else end - steps
        inside = (at >= 0) & (at < len(steps))
        at = jnp.where(inside, at, 0)
        found, exists = (jnp.take_along_axis(a, at, axis=0) for a in (values, losses.valid))
        return jnp.where(inside & exists, found, jnp.nan)

    found = jax.vmap(of_one)(values, losses.end, losses.start)
    return jnp.moveaxis(found, 0, 1).reshape(len(steps), -1)


def summed_by_lag(values, losses, reverse):
    """Values at steps [J, T, B], summed over the losses at their distance from each loss's step: [T, B]."""
    steps, rows = jnp.arange(values.shape[1])[:, None], jnp.arange(values.shape[2])
    lag = jnp.abs(steps - (losses.start if reverse else losses.end)[:, None])
    return jnp.zeros(values.shape[1:], values.dtype).at[lag, rows].add(values)
