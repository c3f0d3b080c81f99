"""Chooses symbols from logits: greedily, or at random with a temperature, top-k or nucleus sampling."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxrnn.arrays import AnyArray


def greedy(key: jax.Array | None, logits: AnyArray) -> jax.Array:
    """Returns the symbol with the largest logit: logits [B, K] -> [B, 1]. It does not use the key."""
    return jnp.argmax(logits, axis=-1, keepdims=True)


def categorical(
    temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Callable[..., jax.Array]:
    """Draws symbols from softmax(logits / temperature).

    Args:
      temperature: above 0; smaller temperatures prefer likely symbols, and close to 0 the draws equal `greedy`.
      top_k: draw only from the k most likely symbols (Fan, Lewis & Dauphin 2018); None for all.
      top_p: draw only from the smallest set of symbols with at least this probability, in (0, 1] (nucleus sampling,
        Holtzman et al. 2020); None for all.

    Returns:
      (key, logits [B, K]) -> symbols [B, 1].

    Raises:
      ValueError: if a number is out of range.
    """
    if not temperature > 0:
        raise ValueError(f"temperature={temperature}: expected a number above 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k}: expected at least 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p}: expected a probability in (0, 1]")

    def draw(key, logits):
        below = logits - jnp.max(logits, axis=-1, keepdims=True)  # the largest logit stays 0 at any temperature
        scaled = below / max(temperature, float(jnp.finfo(below.dtype).tiny))
        return jax.random.categorical(key, truncate_logits(scaled, top_k, top_p))[..., None]

    return draw


def truncate_logits(logits: jax.Array, top_k: int | None = None, top_p: float | None = None) -> jax.Array:
    """Sets the logits of the symbols that must not be drawn to minus infinity.

    Args:
      logits: [B, K].
      top_k, top_p: as in `categorical`.
    """
    if top_k is not None and top_k < logits.shape[-1]:
        threshold = jax.lax.top_k(logits, top_k)[0][..., -1:]
        logits = jnp.where(logits >= threshold, logits, -jnp.inf)
    if top_p is not None:
        order = jnp.argsort(-logits, axis=-1)
        probabilities = jax.nn.softmax(jnp.take_along_axis(logits, order, axis=-1), axis=-1)
        probability_before = jnp.cumsum(probabilities, axis=-1) - probabilities
        inside = jnp.take_along_axis(probability_before < top_p, jnp.argsort(order, axis=-1), axis=-1)
        logits = jnp.where(inside, logits, -jnp.inf)
    return logits
