"""What the n-grams of a text tell of its label: logistic regression on TF-IDF, the usual baseline for bags of words."""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

MOST = 2**15  # n-grams of one order that have weights: those that the most texts of the training part hold
ITERATIONS = 100


def regression(train, classes, size, orders, ends=False):
    """Batch -> ys [T, B, K]: multinomial logistic regression on the n-grams of a text, fitted when first asked.

    A text is the vector of the counts of its n-grams, each times ln((1 + N) / (1 + n)) + 1 where n of the N training
    texts hold it, scaled to length 1. The weights have an L2 penalty of 1 / N and are found by L-BFGS. These are the
    defaults of scikit-learn's `TfidfVectorizer` and `LogisticRegression`.

    Args:
      train: `Examples` of symbols with a label each.
      classes: K.
      size: how many symbols there are.
      orders: the n's of the n-grams.
      ends: whether the beginning and the end of a text are symbols too.
    """

    def grams(xs, lengths):
        return [_grams(xs, lengths, size, order, ends) for order in orders]

    @functools.cache
    def fitted():
        found = grams(train.xs[..., 0], train.lengths)
        tables = [_Table.of(each, len(train.xs)) for each in found]
        return tables, _weights(_features(tables, found, len(train.xs)), train.targets[:, 0, 0], classes)

    def predict(batch):
        tables, weights = fitted()
        xs = np.asarray(batch.xs[..., 0]).T.astype(int)
        features = _features(tables, grams(xs, np.asarray(batch.mask).sum(axis=0)), len(xs))
        logits = jnp.asarray(features @ weights[:-1] + weights[-1], float)
        return jnp.broadcast_to(logits, (len(batch.xs), *logits.shape))

    return predict


class _Table(NamedTuple):
    """The n-grams of one order that have weights.

    Fields:
      codes: [V] in order.
      scales: [V], ln((1 + N) / (1 + n)) + 1.
    """

    codes: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, grams, texts):
        """The `MOST` most frequent of the n-grams (rows, codes) of so many texts."""
        codes, places = np.unique(grams[1], return_inverse=True)
        held = np.bincount(np.unique(grams[0] * len(codes) + places) % len(codes), minlength=len(codes))
        most = np.sort(np.argsort(-held, kind="stable")[:MOST])
        return cls(codes[most], np.log((1 + texts) / (1 + held[most])) + 1)


def _grams(xs, lengths, size, order, ends):
    """(rows, codes) of the n-grams of texts xs [N, S] with these lengths."""
    xs = np.where(np.arange(xs.shape[1]) < lengths[:, None], xs + 1, 0).astype(np.int64)
    if ends:
        xs, lengths = np.pad(xs, ((0, 0), (1, 1))), lengths + 2
    places = max(xs.shape[1] - order + 1, 0)
    codes = np.zeros((len(xs), places), np.int64)
    for shift in range(order):
        codes = codes * (size + 1) + xs[:, shift : shift + places]
    valid = np.arange(places) < (lengths - order + 1)[:, None]
    return np.nonzero(valid)[0], codes[valid]


def _features(tables, grams, texts):
    """The sparse vectors [N, V] of texts, from their n-grams order by order."""
    from scipy import sparse  # where a baseline is asked for, not in every process that reads a text

    parts = []
    for table, (rows, codes) in zip(tables, grams, strict=True):
        places = np.minimum(np.searchsorted(table.codes, codes), len(table.codes) - 1)
        known = table.codes[places] == codes
        rows, places = rows[known], places[known]
        parts.append(sparse.csr_array((table.scales[places], (rows, places)), (texts, len(table.codes))))
    features = sparse.hstack(parts, format="csr")
    lengths = np.sqrt(features.multiply(features).sum(axis=1))
    return sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ features


def _weights(features, labels, classes):
    """[V + 1, K], the last row the biases."""
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
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS, "gtol": 1e-4})
    return found.x.reshape(-1, classes)
