"""Losses per step, and their weighted sum over steps and sequences."""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jaxrnn.arrays import AnyArray
from jaxrnn.dataset import Loss


def squared_error(ys: AnyArray, targets: AnyArray) -> jax.Array:
    """Mean over the outputs of (y - target)^2. Args: ys, targets [T, B, K]. Returns: [T, B]."""
    return jnp.mean((ys - targets) ** 2, axis=-1)


def cross_entropy(logits: AnyArray, labels: AnyArray) -> jax.Array:
    """-ln softmax(logits)[label], in nats. Args: logits [T, B, K], labels [T, B, 1], integers. Returns: [T, B]."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels[..., 0])


def absolute_error(ys: AnyArray, targets: AnyArray) -> jax.Array:
    """Mean over the outputs of |y - target|. Args: ys, targets [T, B, K]. Returns: [T, B]."""
    return mean_of_known(lambda ys, values: jnp.abs(ys - values), ys, targets)


def huber(ys: AnyArray, targets: AnyArray) -> jax.Array:
    """Mean over the outputs of the Huber loss (1964) with delta 1. Args: ys, targets [T, B, K]. Returns: [T, B]."""
    return mean_of_known(optax.huber_loss, ys, targets)


def _known_squared_error(ys, targets):
    return mean_of_known(lambda ys, values: (ys - values) ** 2, ys, targets)


SQUARED_ERROR = Loss(squared_error, "mean squared error")
CROSS_ENTROPY = Loss(cross_entropy, "cross-entropy (nats)")


def smoothed_cross_entropy(smoothing: float = 0.1) -> Callable[..., jax.Array]:
    """Cross-entropy with label smoothing: weight 1 - smoothing on the label, and smoothing / K on each of K labels.

    Szegedy et al. 2016, section 7. A smoothing of 0 gives `cross_entropy`.

    Args:
      smoothing: in [0, 1).
    """
    if smoothing == 0:
        return cross_entropy

    def loss(logits, labels):
        uniform = jax.nn.logsumexp(logits, axis=-1) - jnp.mean(logits, axis=-1)
        return (1 - smoothing) * cross_entropy(logits, labels) + smoothing * uniform

    return loss


def binary_cross_entropy(logits: AnyArray, targets: AnyArray) -> jax.Array:
    """Sum over the outputs of their binary cross-entropies, in nats. Args: [T, B, K]. Returns: [T, B]."""
    return jnp.sum(optax.sigmoid_binary_cross_entropy(logits, targets), axis=-1)


def mean_of_known(function: Callable[..., Any], ys: AnyArray, values: AnyArray) -> jax.Array:
    """Mean of a function over the known values, those that are not NaN; 0 if no value is known.

    Args:
      function: (ys [..., K], values [..., n]) -> [..., n], the terms of the mean.
      ys: [..., K].
      values: [..., n].

    Returns:
      [...].
    """
    known = ~jnp.isnan(values)
    terms = jnp.where(known, function(ys, jnp.where(known, values, 0)), 0)
    return jnp.sum(terms, axis=-1) / jnp.maximum(jnp.sum(known, axis=-1), 1)


LossName = Literal["mse", "mae", "huber", "cross_entropy"]
NAMED = {  # losses that `jaxrnn.fit` knows by name; unknown values of a series do not count
    "mse": Loss(_known_squared_error, "mean squared error"),
    "mae": Loss(absolute_error, "mean absolute error"),
    "huber": Loss(huber, "Huber loss"),
    "cross_entropy": CROSS_ENTROPY,
}


def weighted_sum(
    loss: Callable[..., Any], ys: AnyArray, targets: AnyArray, weights: AnyArray
) -> tuple[jax.Array, jax.Array]:
    """Weighted sum of a loss over steps and sequences, and the sum of the weights.

    Steps with weight zero affect neither the loss nor its gradient, even if they hold NaN.

    Args:
      loss: (ys, targets) -> [T, B].
      ys: [T, B, K].
      targets: [T, B, K].
      weights: [T, B], not negative.

    Returns:
      (sum of weights * loss, sum of weights); the weighted mean is their quotient.
    """
    counted = weights > 0
    ys, targets = (jnp.where(counted[..., None], a, 0) for a in (ys, targets))
    return jnp.sum(weights * loss(ys, targets)), jnp.sum(weights)


def mean_of(total: AnyArray, weight: AnyArray) -> jax.Array:
    """Weighted mean of a training batch, from the two sums of `weighted_sum`; zero, with zero gradient, if no step
    counts."""
    return jnp.divide(total, jnp.where(weight > 0, weight, 1))
