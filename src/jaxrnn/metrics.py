"""Metrics that are reported beside the loss: factories of a `Metric`, (ys, batch) -> a number.

A metric reads the outputs ys [T, B, K] and the `Batch` that they answer, and counts a step by its weight. One of your
own is a `Metric`, or a plain function of that kind; from the command line `metrics.NAME._target_=module.factory` names
what makes it.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn import losses
from jaxrnn.types import Batch, Metric


def weighted_mean(values: Any, weights: Any) -> jax.Array:
    """The mean of values [T, B] over the steps that count, by their weights [T, B]; NaN where none does."""
    return jnp.sum(jnp.where(weights > 0, values, 0) * weights) / jnp.sum(weights)


def mean_absolute_error() -> Metric:
    """Mean of |y - target| over outputs and over the steps that count, in the network's units."""
    return _of_values(lambda ys, targets: jnp.abs(ys - targets))


def accuracy() -> Metric:
    """Share of the steps that count at which the label, batch.targets [T, B, 1], has the largest logit ys [T, B, K].

    A label below 0 is one that the outputs do not have: it counts as wrong, whatever its weight.
    """

    def metric(ys, batch):
        labels = batch.targets[..., 0]
        return weighted_mean(1.0 * (jnp.argmax(ys, axis=-1) == labels), jnp.where(labels < 0, 1.0, batch.weights))

    return Metric(metric, better="up")


def cross_entropy() -> Metric:
    """Mean of -ln softmax(ys)[label] over the steps that count, in nats a symbol."""
    return Metric(lambda ys, batch: weighted_mean(losses.cross_entropy(ys, batch.targets.astype(int)), batch.weights),
                  "nats")  # fmt: skip


def exact_match() -> Metric:
    """Share of the sequences whose every step that counts has its label as the largest logit.

    For an encoder-decoder that is the share of answers that greedy decoding gets right from end to end: as long as it
    is right, it reads what it was taught with.
    """
    return Metric(lambda ys, batch: share_right(classified(ys, batch), batch.weights), better="up")


def mean_squared_error(distribution: Any) -> Metric:
    """Mean of (median - target)^2 over the values and the steps that count, in the network's units.

    Args:
      distribution: a `jaxrnn.distributions` one, of the outputs.
    """
    return _of_values(lambda ys, targets: (distribution.median(ys) - targets) ** 2)


def scaled_error(series: Any, distribution: Any) -> Metric:
    """The mean absolute scaled error (Hyndman & Koehler 2006): |median - target| over the error that the last value has
    as a forecast, or the value a season before, on the training part; in the source's units.

    Args:
      series: a `Series`, with its `naive_error`.
      distribution: of the outputs.
    """

    def error(ys, targets):
        found, true = (
            values.reshape(*values.shape[:-1], series.horizon, -1) for values in (distribution.median(ys), targets)
        )
        return (jnp.abs(series.differences(found, true)) / series.naive_error).reshape(targets.shape)

    return _of_values(error)


def crps(series: Any, distribution: Any) -> Metric:
    """The continuous ranked probability score (Gneiting & Raftery 2007), over the same error where the network sees the
    source's units, scaled; of logarithms in the network's units."""
    scale = 1.0 if series.log else series.naive_error / series.std

    def score(ys, targets):
        found = distribution.crps(ys, targets)
        return (found.reshape(*found.shape[:-1], series.horizon, -1) / scale).reshape(found.shape)

    return _of_values(score)


def coverage(distribution: Any, share: Any = 0.9) -> Metric:
    """Share of the values inside the central interval that should hold `share` of them; nearer to that is better."""
    low, high = 0.5 - share / 2, 0.5 + share / 2

    def inside(ys, targets):
        at = distribution.cdf(ys, targets)
        return 1.0 * ((at >= low) & (at <= high))

    return _of_values(inside)._replace(better=share)


def _of_values(function):
    """The mean over the known values of a step, and over the steps that count, of (ys, targets) -> [T, B, n]."""

    def metric(ys, batch):
        ys = jnp.where(batch.weights[..., None] > 0, ys, 0)
        return weighted_mean(losses.mean_of_known(function, ys, batch.targets), batch.weights)

    return Metric(metric)


def cost(way: Any, value: Any) -> Any:
    """A number that is smaller for the better of two values.

    Args:
      way: which way is better, as in `Metric`.
      value: a number or an array.
    """
    return {"up": -value, "down": value}[way] if isinstance(way, str) else abs(value - way)


def classified(logits: Any, batch: Batch) -> Any:
    """[B], whether the label has the largest logit at every step that counts; targets [T, B, 1] hold the labels.

    A label below 0 is one that the outputs do not have: it counts as wrong, whatever its weight.
    """
    labels = batch.targets[..., 0].astype(int)
    wrong = (jnp.argmax(logits, axis=-1) != labels) & ((batch.weights > 0) | (labels < 0))
    return ~wrong.any(axis=0)


def share_right(right: Any, weights: Any) -> Any:
    """The share of the sequences that are right, right [B], among those that a step counts of, weights [T, B]."""
    return weighted_mean(1.0 * right, (weights > 0).any(axis=0))


def better(metric: Any) -> Any:
    """Which way a metric of one's own is better, as in `Metric`; down where it does not say."""
    return metric.better if isinstance(metric, Metric) else "down"
