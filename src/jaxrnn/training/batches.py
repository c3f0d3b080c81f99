"""Sequences for those who look at a network: probes and studies."""

import jax
import jax.numpy as jnp

from jaxrnn.errors import ConfigError
from jaxrnn.types import Batch, Pair
from jaxrnn.windows import Windows

LONGEST = 1000  # steps of the one sequence that is made of data learned window by window


def draw(dataset, size, key, split="train"):
    """A batch of `size` sequences.

    Of training sequences there are fewer where the data hold fewer; where the carry goes on from one window to the
    next, an epoch of windows, the first 1000 steps of it, is one sequence. Sequences of another split are drawn with
    replacement where it holds fewer.

    Args:
      dataset: a `Dataset`.
      size: B.
      key: PRNG key of the draw.
      split: "train", or a split of the data.

    Raises:
      ConfigError: if its sequences are single steps, through which no gradient flows back, or there is no such split.
    """
    check_split(dataset, split)
    if split != "train":
        batch = _of_split(dataset, size, key, split)
    elif dataset.continues:
        batch = _epoch(dataset, key)
    else:
        items = dataset.plan(key, jnp.arange(1), size if dataset.rows is None else min(size, dataset.rows))
        batch = jax.jit(dataset.batch)(dataset.arrays, _first(items))
    if len(batch.xs.source if isinstance(batch.xs, Pair) else batch.xs) < 2:
        raise ConfigError("the sequences of these data are single steps; give data.window=... of two or more")
    return batch


def check_split(dataset, split):
    """Refuses a split that the data do not have.

    Raises:
      ConfigError: it names those that there are.
    """
    if split not in ("train", *dataset.splits):
        raise ConfigError(
            f"split={split}: the data have no such split; there are {', '.join(['train', *dataset.splits])}"
        )


def _of_split(dataset, size, key, split):
    whole = dataset.splits[split]
    rows = whole.fresh.shape[0]
    chosen = jax.random.choice(key, rows, (size,), replace=size > rows)
    if isinstance(whole.xs, Windows):
        return whole.xs.cut(chosen)
    return jax.tree.map(lambda a: a[:, chosen], whole._replace(fresh=None))._replace(fresh=whole.fresh[chosen])


def _epoch(dataset, key):
    """The windows of an epoch one after the other, as one sequence [T, 1, ...]."""
    length = jax.eval_shape(dataset.batch, dataset.arrays, _first(dataset.plan(key, jnp.arange(1), 1))).xs.shape[0]
    windows = max(1, min(dataset.rows or LONGEST, LONGEST // length))
    parts = jax.jit(jax.vmap(dataset.batch, (None, 0)))(dataset.arrays, dataset.plan(key, jnp.arange(windows), 1))
    joined = {name: None if a is None else a.reshape(-1, *a.shape[2:]) for name, a in parts._asdict().items()}
    return Batch(**joined | {"fresh": parts.fresh[0]})


def _first(items):
    return jax.tree.map(lambda a: a[0], items)
