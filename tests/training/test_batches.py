"""Sequences for probes and studies, from training data of every kind and from other splits."""

import jax
import numpy as np
import pytest

from jaxrnn.data import adding, noisy_cosine, sine
from jaxrnn.errors import ConfigError
from jaxrnn.training import batches
from jaxrnn.types import Batch

KEY = jax.random.key(0)


def test_windows_that_go_on_from_each_other_are_one_sequence():
    for window in (1, 4):
        batch = batches.draw(sine.dataset(points=36, window=window), 32, KEY)
        np.testing.assert_allclose(batch.xs[:, 0, 0], np.sin(np.arange(36)), rtol=1e-12)
        np.testing.assert_allclose(batch.targets[:, 0, 0], np.sin(np.arange(1, 37)), rtol=1e-12)
        assert batch.weights.shape == (36, 1)
        assert batch.fresh.tolist() == [True]
    long = batches.draw(sine.dataset(points=5000), 1, KEY)
    assert len(long.xs) == batches.MAX_STEPS


def test_single_steps_that_do_not_go_on_are_refused():
    with pytest.raises(ConfigError, match="single steps"):
        batches.draw(sine.dataset(stateful=False), 4, KEY)


def test_other_splits_are_drawn_from():
    dataset = adding.dataset(22)
    whole = dataset.splits["test"]
    batch = batches.draw(dataset, 5, KEY, "test")
    assert batch.xs.shape[1:] == (5, 2)
    for row in range(5):
        same = (np.asarray(whole.xs) == np.asarray(batch.xs[:, row : row + 1])).all(axis=(0, 2))
        assert same.sum() == 1
        at = int(np.argmax(same))
        np.testing.assert_array_equal(whole.mask[:, at], batch.mask[:, row])
        np.testing.assert_array_equal(whole.targets[:, at], batch.targets[:, row])
    few = noisy_cosine.dataset()
    assert batches.draw(few, 10_000, KEY, "test").xs.shape[1] == 10_000  # with replacement
    with pytest.raises(ConfigError, match="it has train, validation, test"):
        batches.draw(dataset, 5, KEY, "nowhere")


def test_padding_is_replaced_by_the_sequence_from_its_beginning():
    xs = np.arange(24.0).reshape(6, 2, 2)
    mask = np.array([[True, True], [True, False], [True, True], [True, False], [False, True], [False, False]])
    padded = np.where(mask[..., None], xs, np.nan)
    batch = Batch(padded, None, None, np.ones(2, bool), mask)
    valid = np.asarray(batches.valid_inputs(batch))
    np.testing.assert_array_equal(valid[:, 0], xs[[0, 1, 2, 3, 0, 1], 0])
    np.testing.assert_array_equal(valid[:, 1], xs[[0, 2, 4, 0, 2, 4], 1])
    assert batches.valid_inputs(batch._replace(mask=None)) is padded
