"""Predicts the label of a text from its n-grams: logistic regression on TF-IDF, the usual bag-of-words baseline."""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

MAX_NGRAMS = 2**15  # n-grams per order that get weights: those that occur in the most training texts
ITERATIONS = 100


def regression(train, classes, size, orders, ends=False):
    """Returns Batch -> ys [T, B, K]: multinomial logistic regression on the n-grams of a text, fitted at first use.

    A text becomes the vector of its n-gram counts. Each count is multiplied by ln((1 + N) / (1 + n)) + 1, where n of
    the N training texts contain the n-gram, and the vector is scaled to length 1. The weights have an L2 penalty of
    1 / N and are fitted by L-BFGS. These are the defaults of scikit-learn's `TfidfVectorizer` and
    `LogisticRegression`.

    Args:
      train: labelled `Examples` of symbols.
      classes: K.
      size: the number of symbols.
      orders: the n of each kind of n-gram.
      ends: whether the start and the end of a text count as symbols.
    """

    def grams(xs, lengths):
        return [_grams(xs, lengths, size, order, ends) for order in orders]

    @functools.cache
    def fitted():
        train_grams = grams(train.xs[..., 0], train.lengths)
        tables = [_Table.of(order_grams, len(train.xs)) for order_grams in train_grams]
        return tables, _weights(_features(tables, train_grams, len(train.xs)), train.targets[:, 0, 0], classes)

    def predict(batch):
        tables, weights = fitted()
        xs = np.asarray(batch.xs[..., 0]).T.astype(int)
        features = _features(tables, grams(xs, np.asarray(batch.mask).sum(axis=0)), len(xs))
        logits = jnp.asarray(features @ weights[:-1] + weights[-1], float)
        return jnp.broadcast_to(logits, (len(batch.xs), *logits.shape))

    return predict


class _Table(NamedTuple):
    """N-grams of one order that have weights.

    Fields:
      codes: [V], sorted.
      scales: [V], ln((1 + N) / (1 + n)) + 1.
    """

    codes: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, grams, texts):
        """Selects the n-grams that occur in the most texts, at most `MAX_NGRAMS` of them.

        Args:
          grams: (rows, codes) of all n-grams.
          texts: N, the number of texts.
        """
        codes, indices = np.unique(grams[1], return_inverse=True)
        text_counts = np.bincount(np.unique(grams[0] * len(codes) + indices) % len(codes), minlength=len(codes))
        frequent = np.sort(np.argsort(-text_counts, kind="stable")[:MAX_NGRAMS])
        return cls(codes[frequent], np.log((1 + texts) / (1 + text_counts[frequent])) + 1)


def _grams(xs, lengths, size, order, ends):
    """Returns (rows, codes) of the n-grams of texts xs [N, S] of the given lengths."""
    xs = np.where(np.arange(xs.shape[1]) < lengths[:, None], xs + 1, 0).astype(np.int64)
    if ends:
        xs, lengths = np.pad(xs, ((0, 0), (1, 1))), lengths + 2
    starts = max(xs.shape[1] - order + 1, 0)
    codes = np.zeros((len(xs), starts), np.int64)
    for shift in range(order):
        codes = codes * (size + 1) + xs[:, shift : shift + starts]
    valid = np.arange(starts) < (lengths - order + 1)[:, None]
    return np.nonzero(valid)[0], codes[valid]


def _features(tables, grams, texts):
    """Returns the sparse vectors of texts, [N, V], from their n-grams of each order."""
    from scipy import sparse  # imported here, because only this baseline needs it

    parts = []
    for table, (rows, codes) in zip(tables, grams, strict=True):
        columns = np.minimum(np.searchsorted(table.codes, codes), len(table.codes) - 1)
        known = table.codes[columns] == codes
        rows, columns = rows[known], columns[known]
        parts.append(sparse.csr_array((table.scales[columns], (rows, columns)), (texts, len(table.codes))))
    features = sparse.hstack(parts, format="csr")
    lengths = np.sqrt(features.multiply(features).sum(axis=1))
    return sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ features


def _weights(features, labels, classes):
    """Fits the weights, [V + 1, K]; the last row holds the biases."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    count, truth = len(labels), np.eye(classes)[labels]

    def objective(flat):
        weights = flat.reshape(-1, classes)
        logs = log_softmax(features @ weights[:-1] + weights[-1], axis=1)
        errors = (np.exp(logs) - truth) / count
        gradient = np.concatenate([features.T @ errors + weights[:-1] / count, errors.sum(axis=0, keepdims=True)])
        return 0.5 / count * np.sum(weights[:-1] ** 2) - np.sum(logs * truth) / count, gradient.ravel()

    start = np.zeros((features.shape[1] + 1) * classes)
    solution = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS, "gtol": 1e-4})
    return solution.x.reshape(-1, classes)
