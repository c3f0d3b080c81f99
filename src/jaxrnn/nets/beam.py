"""Beam search: the most likely answers of a net whose outputs are the logits of its next input."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arrays import AnyArray
from jaxrnn.nets.decode import step
from jaxrnn.types import Carry, Net, Params


class Beam(NamedTuple):
    """The W answers of a beam search, the best first.

    Fields:
      symbols: [W, B, length], filled up with the end symbol after the end of an answer.
      log_probs: [W, B], the log-probability of each answer, including its end symbol.
      lengths: [W, B], the number of symbols of each answer, including its end symbol.
      scores: [W, B], the scores that the answers are sorted by.
    """

    symbols: jax.Array
    log_probs: jax.Array
    lengths: jax.Array
    scores: jax.Array


class _State(NamedTuple):
    carry: Carry  # leaves [W, B, ...]
    x: jax.Array  # [W, B, 1]
    symbols: jax.Array
    log_probs: jax.Array
    lengths: jax.Array
    ended: jax.Array  # [W, B]


def search(
    net: Net,
    params: Params,
    carry: Carry,
    x_t: AnyArray,
    length: int,
    width: int,
    end: int | None = 0,
    penalty: float = 0.0,
) -> Beam:
    """Finds the W best answers for all sequences at once; wrap it in `jax.jit`.

    Hypotheses are ranked by log p / lp with lp = ((5 + length) / 6)^penalty (Wu et al. 2016, eq. 14); a penalty of 0
    ranks them by probability. A hypothesis with an end symbol is not extended.

    Args:
      net: a causal `Net`, such as the decoder of an encoder-decoder.
      params: its params.
      carry: the carry before x_t.
      x_t: the first input [B, 1].
      length: the largest number of symbols in an answer, including its end symbol.
      width: W, the number of hypotheses that are kept.
      end: number of the end symbol; None if all answers have the same length.
      penalty: exponent of the length penalty, 0 for none.

    Returns:
      A `Beam`.
    """
    batch = x_t.shape[0]

    def over_beam(tree):
        return jax.tree.map(lambda a: jnp.broadcast_to(a, (width, *a.shape)), tree)

    first = _State(
        carry=over_beam(carry),
        x=over_beam(jnp.asarray(x_t)),
        symbols=jnp.full((width, batch, length), 0 if end is None else end, jnp.int32),
        log_probs=jnp.where(jnp.arange(width)[:, None] == 0, 0.0, -jnp.inf) * jnp.ones((width, batch)),
        lengths=jnp.zeros((width, batch), jnp.int32),
        ended=jnp.zeros((width, batch), bool),
    )

    def extend(state, position):
        carry, logits = jax.vmap(lambda c, x: step(net, params, c, x))(state.carry, state.x)
        return _extend(state._replace(carry=carry), logits, position, end, penalty), None

    last, _ = lax.scan(extend, first, jnp.arange(length))
    beam = Beam(last.symbols, last.log_probs, last.lengths, _score(last.log_probs, last.lengths, penalty))
    order = jnp.argsort(-beam.scores, axis=0)
    return jax.tree.map(lambda a: _select(a, order), beam)


def _extend(state, logits, position, end, penalty):
    """Extends all hypotheses by one symbol and returns the best W; logits [W, B, K]."""
    width, batch, classes = logits.shape
    following = jax.nn.log_softmax(logits.astype(state.log_probs.dtype))
    if end is not None:  # an ended answer can only repeat its end symbol, with probability 1
        repeat_end = jnp.where(jnp.arange(classes) == end, 0.0, -jnp.inf)
        following = jnp.where(state.ended[..., None], repeat_end, following)
    log_probs = state.log_probs[..., None] + following
    lengths = jnp.broadcast_to((state.lengths + ~state.ended)[..., None], log_probs.shape)
    scores = _score(log_probs, lengths, penalty)
    _, chosen = lax.top_k(jnp.moveaxis(scores, 0, 1).reshape(batch, -1), width)  # [B, W]
    rows, symbol = (chosen // classes).T, (chosen % classes).T.astype(jnp.int32)
    carry, symbols, ended = jax.tree.map(lambda a: _select(a, rows), (state.carry, state.symbols, state.ended))
    index = symbol[..., None]
    log_probs, lengths = (jnp.take_along_axis(_select(a, rows), index, axis=-1)[..., 0] for a in (log_probs, lengths))
    symbols = symbols.at[..., position].set(symbol)
    ended = ended | (symbol == end) if end is not None else ended
    return _State(carry, index.astype(state.x.dtype), symbols, log_probs, lengths, ended)


def _score(log_probs, lengths, penalty):
    return log_probs / ((5.0 + lengths) / 6.0) ** penalty


def _select(a, rows):
    """Selects the hypotheses with the indices rows [W, B] from a [W, B, ...]."""
    return jnp.take_along_axis(a, rows.reshape(*rows.shape, *[1] * (a.ndim - 2)), axis=0)
