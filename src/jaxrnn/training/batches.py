"""Training sequences for those who look at a network: probes and studies."""

import jax
import jax.numpy as jnp

from jaxrnn.errors import ConfigError


def draw(dataset, size, key):
    """A training batch of `size` sequences, fewer where the data hold fewer.

    Args:
      dataset: a `Dataset`.
      size: B.
      key: PRNG key of the draw.

    Raises:
      ConfigError: if its sequences are single steps, through which no gradient flows back.
    """
    items = dataset.plan(key, jnp.arange(1), size if dataset.rows is None else min(size, dataset.rows))
    batch = jax.jit(dataset.batch)(dataset.arrays, jax.tree.map(lambda a: a[0], items))
    if len(batch.xs) < 2:
        raise ConfigError("the sequences of these data are single steps; give data.window=... of two or more")
    return batch
