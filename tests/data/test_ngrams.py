"""The logistic regression on n-grams: its features and weights by hand, what it says of words and of letters."""

import time

import numpy as np
import pytest

from jaxrnn.data import _ngrams, labels
from jaxrnn.data.examples import Examples, pad
from jaxrnn.types import Batch

TEXTS = [[0, 1, 2], [0, 0], [2, 3, 3, 1], [1], [4, 0, 1, 2, 4]]


def batch(texts):
    xs, lengths = pad(texts)
    mask = np.arange(xs.shape[1])[:, None] < lengths
    return Batch(np.moveaxis(xs, 0, 1), np.zeros((*mask.shape, 1), int), None, None, mask)


def examples(texts, targets):
    return Examples(*pad(texts), np.asarray(targets)[:, None, None])


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("orders", [(1,), (2,), (1, 2), (3,)])
def test_features_are_tf_idf_of_unit_length(orders, ends):
    def counted(text):
        symbols = ["|", *text, "|"] if ends else text
        return [tuple(symbols[i : i + n]) for n in orders for i in range(len(symbols) - n + 1)]

    texts = [*TEXTS, [3, 3, 0, 1]]
    bags = [counted(text) for text in texts]
    names = sorted({gram for bag in bags[:5] for gram in bag}, key=str)
    held = np.array([sum(name in bag for bag in bags[:5]) for name in names])
    expected = np.array([[bag.count(name) for name in names] for bag in bags]) * (np.log(6 / (1 + held)) + 1)
    expected /= np.maximum(np.linalg.norm(expected, axis=1, keepdims=True), 1e-300)
    xs, lengths = pad(texts)
    xs = xs[..., 0]
    grams = [[_ngrams._grams(xs[:count], lengths[:count], 5, n, ends) for n in orders] for count in (5, 6)]
    tables = [_ngrams._Table.of(each, 5) for each in grams[0]]
    found = _ngrams._features(tables, grams[1], 6).toarray()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-12)  # whatever the order of the columns


def test_weights_are_the_minimum():
    """At the minimum of the mean loss and the penalty of 1 / N the gradient is zero."""
    rng = np.random.default_rng(0)
    texts = [rng.integers(0, 6, rng.integers(1, 7)).tolist() for _ in range(60)]
    targets = np.array([sum(text) % 3 for text in texts])
    xs, lengths = pad(texts)
    xs = xs[..., 0]
    grams = [_ngrams._grams(xs, lengths, 6, 1, False)]
    features = _ngrams._features([_ngrams._Table.of(grams[0], 60)], grams, 60)
    weights = _ngrams._weights(features, targets, 3)
    dense = np.concatenate([features.toarray(), np.ones((60, 1))], axis=1)
    logits = dense @ weights
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    penalty = np.concatenate([weights[:-1], np.zeros((1, 3))]) / 60
    assert np.abs(dense.T @ (shares - np.eye(3)[targets]) / 60 + penalty).max() < 1e-3
    predict = _ngrams.regression(examples(texts, targets), 3, 6, (1,))
    ys = np.asarray(predict(batch(texts)))
    np.testing.assert_allclose(ys[-1] - ys[-1, :, :1], logits - logits[:, :1], atol=1e-6)


@pytest.mark.costly
def test_words_tell_what_trigrams_of_words_do_not(tmp_path):
    """A label that one word of many decides: .5 with trigrams of words, which never come again."""
    rng, path = np.random.default_rng(0), tmp_path / "mine.csv"
    sides = rng.choice(["good", "bad"], 600)
    rows = [rng.permutation([side, *rng.choice([f"w{n}" for n in range(200)], 9)]) for side in sides]
    path.write_text("text,label\n" + "".join(f"{' '.join(r)},{s}\n" for r, s in zip(rows, sides, strict=True)))
    began, dataset = time.perf_counter(), labels.dataset(str(path), by="words")
    batch, names = dataset.splits["test"], list(dataset.baselines)
    assert names == ["most frequent label", "logistic regression on words", "logistic regression on words and bigrams"]
    scores = {n: float(dataset.metrics["accuracy"](p(batch), batch)) for n, p in dataset.baselines.items()}
    assert scores[names[1]] > 0.95
    assert scores[names[2]] > 0.9
    assert time.perf_counter() - began < 60
    by_letters = labels.dataset(str(path))
    assert list(by_letters.baselines) == ["most frequent label", "logistic regression on trigrams"]
    for predict in by_letters.baselines.values():
        assert np.isfinite(np.asarray(predict(by_letters.splits["test"]))).all()
