"""Dropout masks, one PRNG key a sequence: on the recurrence of a cell, and for the layers that drop their inputs."""

import jax

from jaxrnn.cells._step import Dropped, carry_dtype


def drop_recurrent(params, key, rate):
    """The params with one dropout mask a sequence on the input of every recurrent weight.

    The mask is drawn once and kept over time (Gal & Ghahramani 2016, eq. 7); it multiplies the state where the state
    enters the product with `w_h`, so neither the cell path of an LSTM nor the leak of a GRU is cut.

    Args:
      params: a cell's params.
      key: one PRNG key a sequence [B].
      rate: probability that a unit is dropped, in [0, 1).

    Raises:
      ValueError: if no leaf of the params is named `w_h`.
    """
    found = []

    def drop(path, leaf):
        if not is_recurrent(path):
            return leaf
        found.append(path)
        return Dropped(leaf, dropout_mask(key, rate, leaf.shape[:1], carry_dtype(leaf)))

    params = jax.tree_util.tree_map_with_path(drop, params)
    if not found:
        raise ValueError(f"dropout on the recurrence needs a weight named w_h; {type(params).__name__} has none")
    return params


def is_recurrent(path):
    """Whether the leaf at this path of a params tree holds recurrent weights: in every cell they are called w_h."""
    return getattr(path[-1], "name", None) == "w_h"


def dropout_mask(key, rate, shape, dtype):
    """Inverted dropout: zero with probability `rate`, else 1 / (1 - rate); one draw a key.

    Args:
      key: PRNG keys [B], any number of axes.
      rate: probability of a zero, in [0, 1).
      shape: shape of each draw.

    Returns:
      [B, *shape].
    """

    def draw(key):
        return jax.random.bernoulli(key, 1.0 - rate, shape).astype(dtype) / (1.0 - rate)

    for _ in range(key.ndim):
        draw = jax.vmap(draw)
    return draw(key)
