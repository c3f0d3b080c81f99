"""Metrics of labels and tags, against plain Python."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.data.g2p import word_error_rate
from jaxrnn.metrics import entity_f1, macro_f1
from jaxrnn.types import Batch, Pair

TAGS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")


def batch_of(targets, weights):
    return Batch(None, jnp.asarray(targets)[..., None], jnp.asarray(weights, float), None)


def entities(tags):
    """(beginning, end, kind) of every entity."""
    found, start = [], None
    for at, tag in enumerate([*tags, "O"]):
        if start is not None and (tag[0] != "I" or tag[2:] != tags[start][2:]):
            found.append((start, at, tags[start][2:]))
            start = None
        if tag != "O" and start is None:
            start = at
    return set(found)


def f1(right, true, predicted):
    return 2 * right / (true + predicted)


@pytest.mark.parametrize("seed", range(5))
def test_f1_of_entities_and_classes(seed):
    rng = np.random.default_rng(seed)
    targets = rng.choice(5, (12, 40), p=[0.15, 0.15, 0.2, 0.2, 0.3])
    predicted = np.where(rng.random(targets.shape) < 0.8, targets, rng.integers(0, 5, targets.shape))
    lengths = rng.integers(1, 13, 40)
    batch = batch_of(targets, np.arange(12)[:, None] < lengths)
    ys = jax.nn.one_hot(predicted, 5)
    right = true = other = 0
    for row, length in enumerate(lengths):
        a, b = (entities([TAGS[n] for n in tags[:length, row]]) for tags in (targets, predicted))
        right, true, other = right + len(a & b), true + len(a), other + len(b)
    np.testing.assert_allclose(jax.jit(entity_f1(TAGS).function)(ys, batch), f1(right, true, other), rtol=1e-6)
    counted = np.arange(12)[:, None] < lengths
    a, b = targets[counted], predicted[counted]
    each = [f1(((a == n) & (b == n)).sum(), (a == n).sum(), (b == n).sum()) for n in range(5)]
    np.testing.assert_allclose(macro_f1()(ys, batch), np.mean(each), rtol=1e-6)


def test_classes_that_do_not_occur_are_left_out():
    batch = batch_of([[0, 0, 1]], [[1, 1, 1]])
    np.testing.assert_allclose(macro_f1()(jax.nn.one_hot(jnp.array([[0, 1, 1]]), 4), batch), 2 / 3)
    assert np.isnan(entity_f1(TAGS)(jax.nn.one_hot(jnp.array([[4, 4, 4]]), 5), batch_of([[4, 4, 4]], [[1, 1, 1]])))


def test_word_error_rate_of_words_of_one_length_which_have_no_mask():
    letters = jnp.array([[1, 1, 2], [3, 3, 4]])[..., None]  # two pronunciations of the first word, one of the second
    sounds = jnp.array([[0, 1, 1]])[..., None]
    batch = Batch(Pair(letters, None), sounds, jnp.ones((1, 3)), jnp.ones(3, bool))
    for said, wrong in (([0, 0, 0], 0.5), ([0, 0, 1], 0.0), ([1, 0, 0], 1.0)):
        assert word_error_rate(jax.nn.one_hot(jnp.array([said]), 2), batch) == wrong
