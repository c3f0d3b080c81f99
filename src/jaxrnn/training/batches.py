"""Batches of sequences for measurements of a network, in probes and studies."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.errors import ConfigError
from jaxrnn.types import Pair
from jaxrnn.windows import Windows

MAX_STEPS = 1000  # length of the sequence that joins consecutive windows


def draw(dataset, size, key, split="train"):
    """Draws a batch of `size` sequences.

    - Training split: returns fewer sequences if the data set is smaller.
    - Training split of a stateful data set, whose carry continues from window to window: returns one sequence, the
      joined windows of an epoch up to 1000 steps.
    - Other splits: draws with replacement if the split is smaller.

    Args:
      dataset: a `Dataset`.
      size: B, the number of sequences.
      key: PRNG key of the draw.
      split: "train", or another split of the data set.

    Raises:
      ConfigError: if the data set has no such split, or its sequences are single steps, through which no gradient
        flows back.
    """
    check_split(dataset, split)
    if split != "train":
        batch = _of_split(dataset, size, key, split)
    elif dataset.train.stateful:
        batch = _epoch(dataset.train, key)
    else:
        rows = dataset.train.rows
        items = dataset.train.plan(key, jnp.arange(1), size if rows is None else min(size, rows))
        batch = jax.jit(dataset.train.batch)(dataset.train.arrays, _first(items))
    if len(batch.xs.source if isinstance(batch.xs, Pair) else batch.xs) < 2:
        raise ConfigError("the sequences of this data set are single steps; set data.window=2 or more")
    return batch


def valid_inputs(batch: Any) -> jax.Array:
    """Returns inputs [T, B, D] without padding: a sequence that has ended begins again.

    It is for measurements of a network as a map, which its inputs drive step by step and which know no mask.
    """
    if batch.mask is None:
        return batch.xs
    valid_steps_first = jnp.argsort(~jnp.asarray(batch.mask), axis=0, stable=True)
    counts = jnp.maximum(jnp.sum(batch.mask, axis=0), 1)
    steps = jnp.take_along_axis(valid_steps_first, jnp.arange(len(batch.xs))[:, None] % counts, axis=0)
    return jnp.take_along_axis(batch.xs, steps[..., None], axis=0)


def check_split(dataset, split):
    """Checks that a data set has a split.

    Raises:
      ConfigError: if the data set lacks the split. The message names the splits that it has.
    """
    if split not in ("train", *dataset.splits):
        names = ", ".join(["train", *dataset.splits])
        raise ConfigError(f"split={split}: the data set has no such split; it has {names}")


def _of_split(dataset, size, key, split):
    split_batch = dataset.splits[split]
    rows = split_batch.fresh.shape[0]
    chosen = jax.random.choice(key, rows, (size,), replace=size > rows)
    if isinstance(split_batch.xs, Windows):
        return split_batch.xs.cut(chosen)
    return jax.tree.map(lambda a: a[:, chosen], split_batch._replace(fresh=None))._replace(
        fresh=split_batch.fresh[chosen]
    )


def _epoch(train, key):
    """Joins the windows of an epoch of a `TrainingSet` to one sequence [T, 1, ...]."""
    length = jax.eval_shape(train.batch, train.arrays, _first(train.plan(key, jnp.arange(1), 1))).xs.shape[0]
    windows = max(1, min(train.rows or MAX_STEPS, MAX_STEPS // length))
    parts = jax.jit(jax.vmap(train.batch, (None, 0)))(train.arrays, train.plan(key, jnp.arange(windows), 1))
    joined = {name: None if a is None else a.reshape(-1, *a.shape[2:]) for name, a in parts._asdict().items()}
    return parts._replace(**joined | {"fresh": parts.fresh[0]})


def _first(items):
    return jax.tree.map(lambda a: a[0], items)
