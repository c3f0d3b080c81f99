"""Selective copying: symbols at random places among blanks, to be written down in order at the end."""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data._sequences import Sequence, drawn
from jaxrnn.losses import cross_entropy
from jaxrnn.metrics import classified
from jaxrnn.types import Dataset, Size

BLANK, DELIMITER, CODES = 0, 1, 2


@checked
def dataset(length: Size = 50, copied: Size = 8, alphabet: Size = 8) -> Dataset:
    """One-hot inputs; the targets are the symbols, asked for at the `copied` steps after the delimiter.

    Gu & Dao 2023, section 3.1, after Arjovsky, Shah & Bengio 2016: the places differ from sequence to sequence, so the
    network has to choose what it keeps. Knowing no symbol gives a loss of ln(alphabet).

    Args:
      length: steps among which the symbols stand.
      copied: symbols to copy.
      alphabet: how many different symbols there are.

    Raises:
      ValueError: if the symbols have no room.
    """
    if copied >= length:
        raise ValueError(f"data.copied={copied}: data.length={length} steps hold fewer symbols, and a delimiter")
    steps, classes = length + copied, alphabet + CODES

    def sample(key):
        key_places, key_symbols = jax.random.split(key)
        symbols = jax.random.randint(key_symbols, (copied,), CODES, classes)
        places = jnp.sort(jax.random.choice(key_places, length - 1, (copied,), replace=False))
        inputs = jnp.full(steps, BLANK).at[places].set(symbols).at[length - 1].set(DELIMITER)
        targets = jnp.full(steps, BLANK).at[-copied:].set(symbols)
        weights = 1.0 * (jnp.arange(steps) >= length)
        return Sequence(jax.nn.one_hot(inputs, classes), targets[:, None], weights, jnp.ones(steps, bool))

    def symbols_alone(batch):
        logits = jnp.where(jnp.arange(classes) >= CODES, 0.0, -1e9)
        return jnp.broadcast_to(logits, (*batch.xs.shape[:-1], classes))

    return drawn(
        sample,
        output_size=classes,
        loss=cross_entropy,
        trivial=symbols_alone,
        correct=classified,
        lags=(copied, length + copied - 1),
        loss_name="cross-entropy (nats)",
        trivial_name="any symbol",
    )
