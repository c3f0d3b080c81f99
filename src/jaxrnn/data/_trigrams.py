"""What the two letters before it tell of a letter: counts, interpolated."""

import functools

import jax.numpy as jnp
import numpy as np

MOST = 2**24  # letters that are counted; more change nothing that can be seen
CHUNK = 2**20
_NONE = np.zeros(0, int)


def trigrams(training, size):
    """Batch -> ys [T, B, K]: log p of a letter after the two before it, interpolated with shorter contexts.

    Jelinek & Mercer 1980: p = 0.8 p_3 + 0.15 p_2 + 0.05 p_1 of the counts of the training part, of its first 17 million
    letters where it is longer, with a thousandth for letters that they do not hold. They are counted when first asked.

    Args:
      training: (begin, end) -> the numbers of the training part's letters from one place to another, as many as there
        are.
      size: K, how many symbols there are.
    """
    tables = functools.cache(lambda: [_Shares(*found, size) for found in _counted(training, size)])

    def predict(batch):
        one, two, three = tables()
        now = np.asarray(batch.xs[..., 0]).astype(int)
        before = np.concatenate([now[:1], now[:-1]])
        mixed = 0.05 * one.of(0 * now) + 0.15 * two.of(now) + 0.8 * three.of(before * size + now)
        return jnp.asarray(np.log(mixed + 1e-6), float)

    return predict


class _Shares:
    """The shares [K] of the letters in each context, kept for the contexts that were seen.

    Args:
      codes: context * K + letter, of those that were seen, in order.
      counts: how often each was.
      size: K.
    """

    def __init__(self, codes, counts, size):
        from scipy import sparse  # where a baseline is asked for, not in every process that reads a text

        self._contexts, rows = np.unique(codes // size, return_inverse=True)
        shares = (counts / np.bincount(rows, counts)[rows]).astype(np.float32)
        self._shares = sparse.csr_array((shares, (rows, codes % size)), (len(self._contexts) + 1, size))

    def of(self, contexts):
        """Those of contexts [T, B], as [T, B, K]; zeros for a context that was not seen."""
        wanted = contexts.ravel()
        rows = np.searchsorted(self._contexts, wanted)
        seen = self._contexts[np.minimum(rows, len(self._contexts) - 1)] == wanted
        return self._shares[np.where(seen, rows, len(self._contexts))].toarray().reshape(*contexts.shape, -1)


def _counted(training, size):
    """(codes, counts) of letters without a context, after one letter, and after two."""
    found = [(np.arange(size), np.full(size, 1e-3)), (_NONE, _NONE), (_NONE, _NONE)]
    for begin in range(0, MOST, CHUNK):
        numbers = training(begin, min(begin + CHUNK + 2, MOST)).astype(int)  # two that the next chunk begins with
        if not len(numbers):
            break
        first, second, third = numbers[:CHUNK], numbers[1 : CHUNK + 1], numbers[2:]
        pairs = first[: len(second)] * size + second
        seen = first, pairs, pairs[: len(third)] * size + third
        found = [_added(*before, codes) for before, codes in zip(found, seen, strict=True)]
    return found


def _added(known, counts, codes):
    """(codes, counts) with those of a chunk."""
    new, more = np.unique(codes, return_counts=True)
    both, places = np.unique(np.concatenate([known, new]), return_inverse=True)
    return both, np.bincount(places, np.concatenate([counts, more]))
