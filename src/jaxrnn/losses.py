"""The loss of each step, and the one way to weigh steps."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike


def squared_error(ys: ArrayLike, targets: ArrayLike) -> jax.Array:
    """Mean over the outputs of (y - target)^2. Args: ys, targets [T, B, K]. Returns: [T, B]."""
    return jnp.mean((ys - targets) ** 2, axis=-1)


def cross_entropy(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    """-ln softmax(logits)[label], in nats. Args: logits [T, B, K], labels [T, B, 1], integers. Returns: [T, B]."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels[..., 0])


def smoothed_cross_entropy(smoothing: float = 0.1) -> Callable[..., jax.Array]:
    """Cross-entropy against the label with probability 1 - smoothing and all K labels with smoothing / K.

    Szegedy et al. 2016, section 7. With a smoothing of 0 it is `cross_entropy`.

    Args:
      smoothing: in [0, 1).
    """
    if smoothing == 0:
        return cross_entropy

    def loss(logits, labels):
        uniform = jax.nn.logsumexp(logits, axis=-1) - jnp.mean(logits, axis=-1)
        return (1 - smoothing) * cross_entropy(logits, labels) + smoothing * uniform

    return loss


def binary_cross_entropy(logits: ArrayLike, targets: ArrayLike) -> jax.Array:
    """Sum over the outputs of the cross-entropy of a yes or no each, in nats. Args: [T, B, K]. Returns: [T, B]."""
    return jnp.sum(optax.sigmoid_binary_cross_entropy(logits, targets), axis=-1)


def mean_of_known(function: Callable[..., Any], ys: ArrayLike, values: ArrayLike) -> jax.Array:
    """The mean over the values that are known, not NaN, of what a function says of them; 0 where none is.

    Args:
      function: (ys [..., K], values [..., n]) -> [..., n].
      ys: [..., K].
      values: [..., n].

    Returns:
      [...].
    """
    known = ~jnp.isnan(values)
    each = jnp.where(known, function(ys, jnp.where(known, values, 0)), 0)
    return jnp.sum(each, axis=-1) / jnp.maximum(jnp.sum(known, axis=-1), 1)


def weighted_sum(loss: Callable[..., Any], ys: ArrayLike, targets: ArrayLike, weights: ArrayLike) -> jax.Array:
    """The weighted sum of a loss over steps and sequences, and the sum of the weights.

    Where the weight is zero nothing reaches the loss or its gradient, NaN included.

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


def mean_of(total: ArrayLike, weight: ArrayLike) -> jax.Array:
    """The weighted mean of a batch to train on, from what `weighted_sum` gives; zero, and so is its gradient, where no
    step counts."""
    return total / jnp.where(weight > 0, weight, 1)
