"""Metrics that are reported beside the loss: factories of `(ys, batch) -> a number`.

A metric reads the outputs ys [T, B, K] and the `Batch` that they answer, and counts a step by its weight. One of your
own is a function of that kind; from the command line `metrics.NAME._target_=module.factory` names what makes it.
"""

import jax.numpy as jnp


def weighted_mean(values, weights):
    """The mean of values [T, B] over the steps that count, by their weights [T, B]."""
    return jnp.sum(jnp.where(weights > 0, values, 0) * weights) / jnp.sum(weights)


def mean_absolute_error():
    """Mean of |y - target| over outputs and over the steps that count, in the network's units."""

    def metric(ys, batch):
        return weighted_mean(jnp.mean(jnp.abs(ys - batch.targets), axis=-1), batch.weights)

    return metric


def accuracy():
    """Share of the steps that count at which the label, batch.targets [T, B, 1], has the largest logit ys [T, B, K]."""

    def metric(ys, batch):
        return weighted_mean(1.0 * (jnp.argmax(ys, axis=-1) == batch.targets[..., 0]), batch.weights)

    return metric
