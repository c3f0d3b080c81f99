"""Selective copying: symbols at random steps among blanks, which the network reproduces in order at the end."""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data.sequences import Sequence, drawn
from jaxrnn.dataset import Dataset, MemoryTask
from jaxrnn.losses import CROSS_ENTROPY
from jaxrnn.metrics import classified
from jaxrnn.types import Size

BLANK, DELIMITER, CODES = 0, 1, 2


@checked
def dataset(length: Size = 50, copied: Size = 8, alphabet: Size = 8) -> Dataset:
    """One-hot inputs; the targets are the symbols, at the `copied` steps after the delimiter.

    Gu & Dao 2023, section 3.1, after Arjovsky, Shah & Bengio 2016. The steps of the symbols differ from sequence to
    sequence, so the network must choose what to remember. A network that knows no symbol has a loss of ln(alphabet).

    Args:
      length: the number of steps before the answer, which contain the symbols and the delimiter.
      copied: the number of symbols to copy.
      alphabet: the number of distinct symbols.

    Raises:
      ValueError: if there are too few steps for the symbols.
    """
    if copied >= length:
        raise ValueError(f"data.copied={copied} must be less than data.length={length}, which includes a delimiter")
    steps, classes = length + copied, alphabet + CODES

    def sample(key):
        key_positions, key_symbols = jax.random.split(key)
        symbols = jax.random.randint(key_symbols, (copied,), CODES, classes)
        positions = jnp.sort(jax.random.choice(key_positions, length - 1, (copied,), replace=False))
        inputs = jnp.full(steps, BLANK).at[positions].set(symbols).at[length - 1].set(DELIMITER)
        targets = jnp.full(steps, BLANK).at[-copied:].set(symbols)
        weights = 1.0 * (jnp.arange(steps) >= length)
        return Sequence(jax.nn.one_hot(inputs, classes), targets[:, None], weights, jnp.ones(steps, bool))

    def predict_any_symbol(batch):
        logits = jnp.where(jnp.arange(classes) >= CODES, 0.0, -1e9)
        return jnp.broadcast_to(logits, (*batch.xs.shape[:-1], classes))

    return drawn(
        sample,
        output_size=classes,
        loss=CROSS_ENTROPY,
        baselines={"any symbol": predict_any_symbol},
        memory=MemoryTask(classified, lags=(copied, length + copied - 1)),
    )
