"""The loss of each step, and the one way to weigh steps."""

import jax.numpy as jnp
import optax


def squared_error(ys, targets):
    """Mean over the outputs of (y - target)^2. Args: ys, targets [T, B, K]. Returns: [T, B]."""
    return jnp.mean((ys - targets) ** 2, axis=-1)


def cross_entropy(logits, labels):
    """-ln softmax(logits)[label], in nats. Args: logits [T, B, K], labels [T, B, 1], integers. Returns: [T, B]."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels[..., 0])


def weighted_sum(loss, ys, targets, weights):
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
