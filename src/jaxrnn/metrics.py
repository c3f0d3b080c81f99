"""Metrics that are reported beside the loss: factories of a `Metric`, (ys, batch) -> a number.

A metric reads the outputs ys [T, B, K] and the `Batch` that they answer, and counts a step by its weight. One of your
own is a `Metric`, or a plain function of that kind; from the command line `metrics.NAME._target_=module.factory` names
what makes it.
"""

import jax.numpy as jnp

from jaxrnn import losses
from jaxrnn.types import Metric


def weighted_mean(values, weights):
    """The mean of values [T, B] over the steps that count, by their weights [T, B]."""
    return jnp.sum(jnp.where(weights > 0, values, 0) * weights) / jnp.sum(weights)


def mean_absolute_error():
    """Mean of |y - target| over outputs and over the steps that count, in the network's units."""
    return Metric(lambda ys, batch: weighted_mean(jnp.mean(jnp.abs(ys - batch.targets), axis=-1), batch.weights))


def accuracy():
    """Share of the steps that count at which the label, batch.targets [T, B, 1], has the largest logit ys [T, B, K]."""

    def metric(ys, batch):
        return weighted_mean(1.0 * (jnp.argmax(ys, axis=-1) == batch.targets[..., 0]), batch.weights)

    return Metric(metric, better="up")


def cross_entropy():
    """Mean of -ln softmax(ys)[label] over the steps that count, in nats a symbol."""
    return Metric(lambda ys, batch: weighted_mean(losses.cross_entropy(ys, batch.targets.astype(int)), batch.weights),
                  "nats")  # fmt: skip


def exact_match():
    """Share of the sequences whose every step that counts has its label as the largest logit.

    For an encoder-decoder that is the share of answers that greedy decoding gets right from end to end: as long as it
    is right, it reads what it was taught with.
    """
    return Metric(lambda ys, batch: jnp.mean(classified(ys, batch)), better="up")


def classified(logits, batch):
    """[B], whether the label has the largest logit at every step that counts; targets [T, B, 1] hold the labels."""
    wrong = (jnp.argmax(logits, axis=-1) != batch.targets[..., 0].astype(int)) & (batch.weights > 0)
    return ~wrong.any(axis=0)


def better(metric):
    """ "up" or "down": which way a metric of one's own is better; down where it does not say."""
    return metric.better if isinstance(metric, Metric) else "down"
