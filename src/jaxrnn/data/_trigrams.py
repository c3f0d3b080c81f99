"""Predicts a letter from the two letters before it: interpolated trigram counts."""

import functools

import jax.numpy as jnp
import numpy as np

MAX_LETTERS = 2**24  # letters that are counted; more do not change the result visibly
CHUNK = 2**20
_NONE = np.zeros(0, int)


def trigrams(training, size):
    """Returns Batch -> ys [T, B, K]: log p of a letter after the two before it, interpolated with shorter contexts.

    Jelinek & Mercer 1980: p = 0.8 p_3 + 0.15 p_2 + 0.05 p_1, from the counts of at most the first 17 million letters
    of the training part. Letters that never occur count a thousandth. The letters are counted at the first call.

    Args:
      training: (begin, end) -> the indices of the training letters in this range, fewer at the end of the text.
      size: K, the number of symbols.
    """
    tables = functools.cache(lambda: [_Shares(codes, counts, size) for codes, counts in _counted(training, size)])

    def predict(batch):
        after_none, after_one, after_two = tables()
        now = np.asarray(batch.xs[..., 0]).astype(int)
        before = np.concatenate([now[:1], now[:-1]])
        mixed = 0.05 * after_none.of(0 * now) + 0.15 * after_one.of(now) + 0.8 * after_two.of(before * size + now)
        return jnp.asarray(np.log(mixed + 1e-6), float)

    return predict


class _Shares:
    """Shares of the letters, [K], after each context that occurs.

    Args:
      codes: context * K + letter of each combination that occurs, sorted.
      counts: how often each occurs.
      size: K.
    """

    def __init__(self, codes, counts, size):
        from scipy import sparse  # imported here, because only this baseline needs it

        self._contexts, rows = np.unique(codes // size, return_inverse=True)
        shares = (counts / np.bincount(rows, counts)[rows]).astype(np.float32)
        self._shares = sparse.csr_array((shares, (rows, codes % size)), (len(self._contexts) + 1, size))

    def of(self, contexts):
        """Returns the shares after contexts [T, B] as [T, B, K]; zeros for a context that never occurs."""
        flat = contexts.ravel()
        rows = np.searchsorted(self._contexts, flat)
        seen = self._contexts[np.minimum(rows, len(self._contexts) - 1)] == flat
        return self._shares[np.where(seen, rows, len(self._contexts))].toarray().reshape(*contexts.shape, -1)


def _counted(training, size):
    """Counts letters without a context, after one letter and after two: [(codes, counts), ...]."""
    tables = [(np.arange(size), np.full(size, 1e-3)), (_NONE, _NONE), (_NONE, _NONE)]
    for begin in range(0, MAX_LETTERS, CHUNK):
        numbers = training(begin, min(begin + CHUNK + 2, MAX_LETTERS)).astype(int)  # chunks overlap by two letters
        if not len(numbers):
            break
        first, second, third = numbers[:CHUNK], numbers[1 : CHUNK + 1], numbers[2:]
        pairs = first[: len(second)] * size + second
        chunk_codes = first, pairs, pairs[: len(third)] * size + third
        tables = [_add_counts(*table, codes) for table, codes in zip(tables, chunk_codes, strict=True)]
    return tables


def _add_counts(codes, counts, new_codes):
    """Returns (codes, counts) with the new codes counted too."""
    distinct, new_counts = np.unique(new_codes, return_counts=True)
    union, indices = np.unique(np.concatenate([codes, distinct]), return_inverse=True)
    return union, np.bincount(indices, np.concatenate([counts, new_counts]))
