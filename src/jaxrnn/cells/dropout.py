"""Dropout masks with one PRNG key per sequence, for the recurrence of a cell and for layers that drop their inputs."""

import jax

from jaxrnn.cells.step import Dropped, carry_dtype
from jaxrnn.keys import for_each_key
from jaxrnn.recurrent_weights import map_recurrent, recurrent_weights


def drop_recurrent(params, key, rate):
    """Returns the params with a dropout mask per sequence on the input of every recurrent weight.

    The mask is drawn once and stays the same over time (Gal & Ghahramani 2016, eq. 7). It multiplies the state only in
    the product with `w_h`. It does not act on the path from c_{t-1} to c_t of an LSTM or from h_{t-1} to h_t of a GRU.

    Args:
      params: a cell's params.
      key: one PRNG key per sequence [B].
      rate: probability that a unit is dropped, in [0, 1).

    Raises:
      ValueError: if no leaf of the params is named `w_h`.
    """
    if not recurrent_weights(params):
        raise ValueError(f"dropout on the recurrence needs a weight named w_h; {type(params).__name__} has none")

    def drop(w):
        return Dropped(w, dropout_mask(key, rate, w.shape[:1], carry_dtype(w)))

    return map_recurrent(drop, params)


def dropout_mask(key, rate, shape, dtype):
    """Draws one mask per key for inverted dropout: zero with probability `rate`, 1 / (1 - rate) otherwise.

    Args:
      key: PRNG keys [B], with any number of axes.
      rate: probability of a zero, in [0, 1).
      shape: shape of each mask.

    Returns:
      [B, *shape].
    """

    def draw(key):
        return jax.random.bernoulli(key, 1.0 - rate, shape).astype(dtype) / (1.0 - rate)

    return for_each_key(draw, key)
