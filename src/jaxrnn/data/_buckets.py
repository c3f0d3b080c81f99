"""Buckets: sequences of like length share a static shape, so that little of what is computed is padding."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.types import Buckets

MOST = 6  # shapes, each of which is compiled


class Bucket(NamedTuple):
    """Sequences that share a shape.

    Fields:
      rows: [n], their numbers.
      shape: the longest length of each kind, such as (source, target).
    """

    rows: np.ndarray
    shape: tuple[int, ...]


def grouped(lengths, most=MOST):
    """The buckets, at most `most`, with the fewest steps computed, found by dynamic programming.

    Sequences are taken in the order of their first length, so a bucket is a range of it.

    Args:
      lengths: [N, kinds], steps of every sequence, such as of its source and of its target.
      most: buckets at most.

    Returns:
      A list of `Bucket`s, the shortest first.
    """
    values = np.unique(lengths[:, 0])
    counts = np.array([(lengths[:, 0] == value).sum() for value in values])
    longest = np.array([lengths[lengths[:, 0] == value].max(axis=0) for value in values])
    best = {(0, 0): (0, ())}  # (values used, buckets used) -> (steps, ends)
    for end in range(1, len(values) + 1):
        for used in range(1, most + 1):
            ways = [
                (before[0] + counts[start:end].sum() * longest[start:end].max(axis=0).sum(), (*before[1], end))
                for start in range(end)
                if (before := best.get((start, used - 1))) is not None
            ]
            if ways:
                best[end, used] = min(ways)
    _, ends = min(way for (end, _), way in best.items() if end == len(values))
    found, start = [], 0
    for end in ends:
        inside = (lengths[:, 0] >= values[start]) & (lengths[:, 0] <= values[end - 1])
        rows = np.flatnonzero(inside)
        found.append(Bucket(rows, tuple(int(length) for length in lengths[rows].max(axis=0))))
        start = end
    return found


def buckets(groups, lengths, cut):
    """(plan, `Buckets`) of groups of sequences.

    In an epoch every bucket has as many updates as fill it, at least one, in an order that is shuffled anew each epoch
    and is the same for all runs; which of its sequences they take is drawn from the run's key. A sequence waits for
    another epoch where it does not fill a batch, and comes twice where a bucket holds fewer than one.

    Args:
      groups: `Bucket`s.
      lengths: [N, kinds].
      cut: shape -> (arrays, rows [B]) -> Batch of that shape.
    """
    sizes = np.array([len(group.rows) for group in groups])
    table = np.zeros((len(groups), sizes.max()), np.int32)
    for number, group in enumerate(groups):
        table[number] = np.resize(group.rows, sizes.max())
    computed = sum(size * sum(group.shape) for size, group in zip(sizes, groups, strict=True))

    def schedule(batch_size):
        return np.repeat(np.arange(len(groups)), np.maximum(sizes // batch_size, 1))

    def which(steps, batch_size):
        order = schedule(batch_size)
        return jax.vmap(lambda step: _shuffled(order, step)[0])(steps)

    def plan(key, steps, batch_size):
        order = schedule(batch_size)

        def rows(step):
            bucket, turn = _shuffled(order, step)
            epoch, size = step // len(order), jnp.asarray(sizes, jnp.int32)[bucket]
            own = jax.random.fold_in(jax.random.fold_in(key, epoch), bucket)
            draws = jnp.where(jnp.arange(table.shape[1]) < size,
                              jax.random.uniform(own, (table.shape[1],)), jnp.inf)  # fmt: skip
            places = jnp.argsort(draws)[(turn * batch_size + jnp.arange(batch_size)) % size]
            return jnp.asarray(table)[bucket, places]

        return jax.lax.map(rows, steps)

    ways = tuple(cut(group.shape) for group in groups)
    return plan, Buckets(which, ways, float(1 - lengths.sum() / computed))


def _shuffled(order, step):
    """(the bucket of a step, how many updates of it came before in the epoch)."""
    length = len(order)
    shuffled = jax.random.permutation(jax.random.fold_in(jax.random.key(0), step // length), jnp.asarray(order))
    place = step % length
    bucket = shuffled[place]
    return bucket, jnp.sum((shuffled == bucket) & (jnp.arange(length) < place))
