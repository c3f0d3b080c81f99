"""Buckets: sequences of similar length share a static shape, so that little computation goes to padding."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.dataset import Buckets

MAX_BUCKETS = 6  # each bucket has a shape of its own, which is compiled


class Bucket(NamedTuple):
    """Sequences that share a shape.

    Fields:
      rows: [n], the indices of the sequences.
      shape: the largest length of each kind, such as (source, target).
    """

    rows: np.ndarray
    shape: tuple[int, ...]


def group_by_length(lengths, max_buckets=MAX_BUCKETS):
    """Groups sequences into at most `max_buckets` buckets so that the fewest steps are computed.

    Each bucket is a range of first lengths. Dynamic programming finds the best ranges.

    Args:
      lengths: [N, kinds], the steps of every sequence; kinds are, for example, source and target.
      max_buckets: the largest number of buckets.

    Returns:
      A list of `Bucket`s, the shortest first.
    """
    values = np.unique(lengths[:, 0])
    counts = np.array([(lengths[:, 0] == value).sum() for value in values])
    longest = np.array([lengths[lengths[:, 0] == value].max(axis=0) for value in values])
    # (values used, buckets used) -> (steps computed, ends of the buckets)
    best: dict[tuple[int, int], tuple[Any, tuple[int, ...]]] = {(0, 0): (0, ())}
    for end in range(1, len(values) + 1):
        for used in range(1, max_buckets + 1):
            candidates = [
                (before[0] + counts[start:end].sum() * longest[start:end].max(axis=0).sum(), (*before[1], end))
                for start in range(end)
                if (before := best.get((start, used - 1))) is not None
            ]
            if candidates:
                best[end, used] = min(candidates)
    _, ends = min(solution for (end, _), solution in best.items() if end == len(values))
    groups, start = [], 0
    for end in ends:
        inside = (lengths[:, 0] >= values[start]) & (lengths[:, 0] <= values[end - 1])
        rows = np.flatnonzero(inside)
        groups.append(Bucket(rows, tuple(int(length) for length in lengths[rows].max(axis=0))))
        start = end
    return groups


def buckets(groups, lengths, cut):
    """Returns (plan, `Buckets`) for groups of sequences.

    - In an epoch, each bucket has as many updates as it has full batches, and at least one.
    - The order of the buckets is shuffled again each epoch. It is the same for all runs.
    - The sequences of an update are drawn from the run's key.
    - Sequences that do not fill a batch wait for a later epoch. If a bucket has fewer sequences than a batch, they
      repeat within the batch.

    Args:
      groups: a list of `Bucket`s.
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
            bucket_key = jax.random.fold_in(jax.random.fold_in(key, epoch), bucket)
            draws = jnp.where(
                jnp.arange(table.shape[1]) < size, jax.random.uniform(bucket_key, (table.shape[1],)), jnp.inf
            )
            columns = jnp.argsort(draws)[(turn * batch_size + jnp.arange(batch_size)) % size]
            return jnp.asarray(table)[bucket, columns]

        return jax.lax.map(rows, steps)

    cuts = tuple(cut(group.shape) for group in groups)
    return plan, Buckets(jax.jit(which, static_argnums=1), cuts, float(1 - lengths.sum() / computed))


def _shuffled(order, step):
    """Returns (the bucket of a step, the number of earlier updates with this bucket in the epoch)."""
    length = len(order)
    shuffled = jax.random.permutation(jax.random.fold_in(jax.random.key(0), step // length), jnp.asarray(order))
    position = step % length
    bucket = shuffled[position]
    return bucket, jnp.sum((shuffled == bucket) & (jnp.arange(length) < position))
