"""The data sets that only papers use: each sequence holds what its description says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.papers import _lags

ROWS = 64


def batch_of(dataset):
    train = dataset.train
    return train.batch(train.arrays, jax.random.split(jax.random.key(0), ROWS))


def test_two_classes_are_told_by_the_first_steps():
    batch = batch_of(_lags.two_classes(12, 3))
    y = np.asarray(batch.targets[-1, :, 1])
    assert set(y) == {0.0, 1.0}
    np.testing.assert_allclose(batch.xs[:3, :, 0], np.broadcast_to(2 * y - 1, (3, ROWS)))
    np.testing.assert_allclose(np.var(batch.xs[3:]), 0.2, rtol=0.2)
    assert abs(np.mean(batch.xs[3:])) < 0.1
    np.testing.assert_array_equal(batch.weights, np.repeat([[0.0]] * 11 + [[1.0]], ROWS, axis=1))
    noisy = batch_of(_lags.two_classes(12, 3, noise=0.2, target_noise=0.01))
    assert set(np.asarray(noisy.targets[-1, :, 1])) == {0.2, 0.8}
    np.testing.assert_allclose(np.std(noisy.targets[-1, :, 0] - noisy.targets[-1, :, 1]), 0.1, rtol=0.3)


@pytest.mark.parametrize("between", ["ordered", "random", "noise"])
def test_the_last_symbol_is_the_first_one(between):
    lag = 6
    batch = batch_of(_lags.symbols(lag, between, weight=3.0))
    string = np.concatenate([np.argmax(batch.xs, axis=-1), np.asarray(batch.targets)[-1:, :, 0]])
    others = lag if between == "noise" else lag - 1
    assert set(string[0]) == {others, others + 1}
    last = np.argmax(np.asarray(batch.weights) == 3.0, axis=0)
    np.testing.assert_array_equal(np.take_along_axis(np.asarray(batch.targets)[..., 0], last[None], 0)[0], string[0])
    for row, end in enumerate(last):
        inner = string[1 : end + (between != "noise"), row]
        assert inner.max() < others
        if between == "ordered":
            np.testing.assert_array_equal(inner, np.arange(others))
    np.testing.assert_array_equal(np.sum(batch.mask, axis=0), last + 1)
    assert np.all((np.asarray(batch.weights) == 1).sum(axis=0) == (lag - 1 if between == "ordered" else 0))


def test_a_symbol_is_the_first_input_and_the_last_target():
    batch = batch_of(_lags.symbol_before_noise(9, 4, 0.1))
    symbol = np.asarray(batch.targets[-1, :, 0]).astype(int)
    assert set(symbol) == set(range(4))
    np.testing.assert_array_equal(batch.xs[0], 2 * np.eye(4)[symbol])
    np.testing.assert_allclose(np.std(batch.xs[1:]), 0.1, rtol=0.1)
    assert jnp.sum(batch.weights) == jnp.sum(batch.weights[-1]) == ROWS
