"""The copy memory task: symbols, a long blank, then the same symbols again, from memory."""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data.sequences import Sequence, drawn
from jaxrnn.dataset import Dataset, MemoryTask
from jaxrnn.losses import CROSS_ENTROPY
from jaxrnn.metrics import classified
from jaxrnn.types import Size

BLANK, DELIMITER, CODES = 0, 1, 2  # the symbols to copy have the codes from CODES on


@checked
def dataset(length: Size = 100, copied: Size = 10, alphabet: Size = 8) -> Dataset:
    """One-hot inputs, one class per step (Hochreiter & Schmidhuber 1997, task 2; as Arjovsky, Shah & Bengio 2016).

    - Inputs: `copied` symbols, length - 1 blanks, the delimiter, `copied` blanks.
    - Targets: length + `copied` blanks, then the symbols.

    A network that knows the format but no symbol has a loss of copied ln(alphabet) / (length + 2 copied).

    Args:
      length: steps from the last symbol to the delimiter; a symbol comes back after length + `copied` steps.
      copied: the number of symbols to copy.
      alphabet: the number of distinct symbols.
    """
    steps, classes = length + 2 * copied, alphabet + CODES

    def sample(key):
        symbols = jax.random.randint(key, (copied,), CODES, classes)
        inputs = jnp.full(steps, BLANK).at[:copied].set(symbols).at[length + copied - 1].set(DELIMITER)
        targets = jnp.full(steps, BLANK).at[-copied:].set(symbols)
        return Sequence(jax.nn.one_hot(inputs, classes), targets[:, None], jnp.ones(steps), jnp.ones(steps, bool))

    def knows_the_format(batch):
        recalling = (jnp.arange(steps) >= steps - copied)[:, None]
        is_symbol = jnp.arange(classes) >= CODES
        logits = jnp.where(recalling == is_symbol, 0.0, -jnp.inf)
        logits = jnp.where(recalling | (jnp.arange(classes) == BLANK), logits, -jnp.inf)
        return jnp.broadcast_to(logits[:, None], (*batch.xs.shape[:-1], classes))

    return drawn(
        sample,
        output_size=classes,
        loss=CROSS_ENTROPY,
        baselines={"format only": knows_the_format},
        memory=MemoryTask(classified, lags=(length + copied, length + copied)),
    )
