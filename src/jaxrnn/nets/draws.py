"""How a symbol is chosen from logits: the largest, or drawn at a temperature, among the k likeliest, or a nucleus."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike


def greedy(key: Any, logits: ArrayLike) -> jax.Array:
    """The symbol with the largest logit; logits [B, K] -> [B, 1]. It needs no key."""
    return jnp.argmax(logits, axis=-1, keepdims=True)


def categorical(
    temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Callable[..., jax.Array]:
    """Draws symbols from softmax(logits / temperature).

    Args:
      temperature: above 0; below 1 likely symbols become likelier, and close to 0 it draws as `greedy` chooses.
      top_k: draw among the k likeliest (Fan, Lewis & Dauphin 2018); None for all.
      top_p: draw among the fewest symbols that together have this probability (nucleus sampling, Holtzman et al.
        2020), in (0, 1]; None for all.

    Returns:
      (key, logits [B, K]) -> symbols [B, 1].

    Raises:
      ValueError: for numbers out of range.
    """
    if not temperature > 0:
        raise ValueError(f"temperature={temperature}: give a number above 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k}: give 1 or more")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p}: give a probability above 0")

    def draw(key, logits):
        below = logits - jnp.max(logits, axis=-1, keepdims=True)  # the largest stays 0 at any temperature
        scaled = below / max(temperature, float(jnp.finfo(below.dtype).tiny))
        return jax.random.categorical(key, kept(scaled, top_k, top_p))[..., None]

    return draw


def kept(logits: ArrayLike, top_k: int | None = None, top_p: float | None = None) -> jax.Array:
    """Logits [B, K], minus infinity where a symbol is not among those to draw from."""
    if top_k is not None and top_k < logits.shape[-1]:
        least = jax.lax.top_k(logits, top_k)[0][..., -1:]
        logits = jnp.where(logits >= least, logits, -jnp.inf)
    if top_p is not None:
        order = jnp.argsort(-logits, axis=-1)
        probabilities = jax.nn.softmax(jnp.take_along_axis(logits, order, axis=-1), axis=-1)
        before = jnp.cumsum(probabilities, axis=-1) - probabilities
        inside = jnp.take_along_axis(before < top_p, jnp.argsort(order, axis=-1), axis=-1)
        logits = jnp.where(inside, logits, -jnp.inf)
    return logits
