"""Losses whose gradients are followed back through a batch, and values at steps reordered by lag."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.types import Pair

STEPS = 8  # single steps per sequence whose losses are followed back


class Losses(NamedTuple):
    """J losses, each of one step of every sequence.

    Fields:
      weights: [J, T, B], weights of the losses of all steps (for an encoder-decoder, of the answer's steps).
      end: [J, B], the step of lag 0 for forward layers.
      start: [J, B], the step of lag 0 for backward layers.
      valid: [T, B], true where a sequence has a step.
    """

    weights: Any
    end: Any
    start: Any
    valid: Any


def losses_read(batch, loss, two_ways):
    """Returns the `Losses` of a batch.

    If every step has a loss, the norm at a step is not a function of a lag: the losses of all later steps add up there.
    Therefore `STEPS` single steps are read, and each is followed back on its own. They are evenly spread over the
    second half of the steps that count, so that each has at least as many steps before it. If a layer runs backwards,
    they are spread over the middle third.

    Args:
      batch: a `Batch`.
      loss: "last" or "all"; see `gradient_flow.measure`.
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
    single = (loss == "last") | (count == 1)  # the readout then takes the backward direction at the first step
    weights = 1.0 * (counted & (steps == end[:, None]))
    return Losses(weights, end, jnp.where(single, first, end), valid)


def by_lag(values, losses, reverse):
    """Reorders values at steps [J, T, B] by lag, [T, J * B]; NaN where a sequence has no such lag."""
    steps = jnp.arange(values.shape[1])[:, None]

    def of_loss(values, end, start):
        at = start + steps if reverse else end - steps
        inside = (at >= 0) & (at < len(steps))
        at = jnp.where(inside, at, 0)
        shifted, exists = (jnp.take_along_axis(a, at, axis=0) for a in (values, losses.valid))
        return jnp.where(inside & exists, shifted, jnp.nan)

    values_by_lag = jax.vmap(of_loss)(values, losses.end, losses.start)
    return jnp.moveaxis(values_by_lag, 0, 1).reshape(len(steps), -1)


def summed_by_lag(values, losses, reverse):
    """Sums values at steps [J, T, B] over the losses, by the distance from each loss's step: [T, B]."""
    steps, rows = jnp.arange(values.shape[1])[:, None], jnp.arange(values.shape[2])
    lag = jnp.abs(steps - (losses.start if reverse else losses.end)[:, None])
    return jnp.zeros(values.shape[1:], values.dtype).at[lag, rows].add(values)
