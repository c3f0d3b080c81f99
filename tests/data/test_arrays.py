"""Sequences with values, classes or one per step, from arrays: shapes, splits, weights, scales and predictions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn
from jaxrnn.cells import elman
from jaxrnn.data import arrays

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (40, 6, 2))
RAGGED = [x[: 3 + row % 4] for row, x in enumerate(X)]


def batch_of_all(dataset):
    """The training batch of every row, in order."""
    return dataset.train.batch(dataset.train.arrays, jnp.arange(dataset.train.rows))


@pytest.mark.parametrize(
    ("x", "y", "kind", "size", "floats"),
    [
        (X, RNG.normal(size=40), "per_sequence", 1, True),
        (X, RNG.normal(size=(40, 3)), "per_sequence", 3, True),
        (X, RNG.normal(size=(40, 6)), "per_step", 1, True),
        (RAGGED, [RNG.normal(size=(len(x), 2)) for x in RAGGED], "per_step", 2, True),
        (X, np.arange(40) % 3, "per_sequence", 3, False),
        (RAGGED, ["yes", "no"] * 20, "per_sequence", 2, False),
        (RAGGED, [["a", "b", "c", "d", "e", "f"][: len(x)] for x in RAGGED], "per_step", 6, False),
        (X[..., 0], np.arange(40) % 2 == 0, "per_sequence", 2, False),
    ],
)
def test_the_kind_of_target_follows_from_y(x, y, kind, size, floats):
    dataset = arrays.dataset(x, y)
    assert (dataset.targets, dataset.output_size) == (kind, size)
    assert dataset.input_size == (1 if np.ndim(x[0]) == 1 else 2)
    assert jnp.issubdtype(batch_of_all(dataset).targets.dtype, jnp.floating) == floats
    assert [len(dataset.splits[name].fresh) for name in ("validation", "test")] == [4, 4]
    assert dataset.train.rows == 32


def test_the_training_part_sets_the_scale():
    y = 100 + 5 * X.mean(axis=(1, 2))
    dataset = arrays.dataset(X, y)
    batch = batch_of_all(dataset)
    xs = np.asarray(batch.xs)
    np.testing.assert_allclose(xs.mean(axis=(0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(xs.std(axis=(0, 1)), 1, atol=1e-6)
    np.testing.assert_allclose(np.asarray(batch.targets)[0].std(), 1, atol=1e-6)
    np.testing.assert_allclose(batch_of_all(arrays.dataset(X, y, scale=False)).targets.mean(), y.mean(), rtol=0.01)


def test_given_splits_are_kept():
    y = np.arange(40) % 2
    dataset = arrays.dataset(X[:30], y[:30], validation=(X[30:34], y[30:34]), test=0.2, scale=False)
    np.testing.assert_allclose(np.moveaxis(np.asarray(dataset.splits["validation"].xs), 1, 0), X[30:34], rtol=1e-6)
    assert [dataset.train.rows, len(dataset.splits["test"].fresh)] == [24, 6]


def test_equal_sequences_stay_together():
    x = np.repeat(X[:20], 2, axis=0)
    dataset = arrays.dataset(x, np.arange(40) // 2 % 2, scale=False)
    parts = [batch_of_all(dataset), *dataset.splits.values()]
    sequences = [{np.asarray(part.xs)[:, row].tobytes() for row in range(len(part.fresh))} for part in parts]
    assert sum(map(len, sequences)) == len(set.union(*sequences)) == 20


def test_weights_multiply_the_loss():
    y = np.array([0] * 30 + [1] * 10)
    weights = np.arange(40.0)
    plain = batch_of_all(arrays.dataset(X, y, validation=0.0, test=0.0))
    batch = batch_of_all(arrays.dataset(X, y, validation=0.0, test=0.0, sample_weight=weights, class_weight={1: 3.0}))
    rows = [int(np.argmin(np.abs(X[:, 0, 0] - value))) for value in unscaled_first(X, plain)]
    expected = np.asarray(plain.weights) * np.array([weights[row] * (3.0 if y[row] else 1.0) for row in rows])
    np.testing.assert_allclose(batch.weights, expected, rtol=1e-6)
    balanced = batch_of_all(arrays.dataset(X, y, validation=0.0, test=0.0, class_weight="balanced"))
    labels = np.asarray(balanced.targets)[0, :, 0]
    sums = [np.asarray(balanced.weights)[:, labels == label].sum() for label in (0, 1)]
    np.testing.assert_allclose(sums, [20, 20], rtol=1e-6)


def unscaled_first(x, batch):
    return np.asarray(batch.xs)[0, :, 0] * x[..., 0].std() + x[..., 0].mean()


def test_weights_reach_padded_sequences_of_all_lengths():
    y = [["a", "b"][row % 2] for row in range(40)]
    dataset = arrays.dataset(RAGGED, y, validation=0.0, test=0.0, sample_weight=np.full(40, 2.0))
    assert dataset.train.buckets is not None
    for bucket in dataset.train.buckets.batches:
        assert set(np.unique(bucket(dataset.train.arrays, jnp.arange(4)).weights)) <= {0.0, 2.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": np.zeros(39)}, "x: 40 sequences but 39 targets"),
        ({"x": np.where(X > 8, np.nan, X) * np.nan}, "must be finite numbers"),
        ({"y": np.zeros(40), "target": "all"}, "target='all' needs one target per step"),
        ({"y": np.arange(40) * 1000}, "integers are classes from 0, got 0 to 39000; pass values as floats"),
        ({"y": np.zeros(40), "class_weight": {1: 2.0}}, "class_weight: the targets are values"),
        ({"y": np.arange(40) % 2, "class_weight": {2: 2.0}}, "class_weight: no class 2; there are 0, 1"),
        ({"y": np.zeros(40), "sample_weight": np.ones(3)}, "sample_weight: expected 40 numbers"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(ValueError, match=message):
        arrays.dataset(**{"x": X, "y": np.zeros(40), **options})


@pytest.mark.costly
def test_predictions_are_values_or_classes():
    values = arrays.dataset(X, 100 + X.mean(axis=(1, 2)))
    run = jaxrnn.fit(jaxrnn.rnn(elman.cell(3), 1), values, steps=1, batch_size=4, learning_rate=1e-3)
    xs = jnp.moveaxis(values.scales.inputs.scaled(jnp.asarray(X[:5])), 0, 1)
    expected = values.scales.targets.unscaled(run.net.apply(run.params, run.net.initial(run.params, (5,)), xs)[1][-1])
    np.testing.assert_allclose(run.predict(X[:5]), expected, rtol=1e-6)
    classes = arrays.dataset(RAGGED, ["yes", "no"] * 20)
    run = jaxrnn.fit(jaxrnn.rnn(elman.cell(3), 2), classes, steps=40, batch_size=4, learning_rate=0.1)
    answers = run.predict(RAGGED)
    assert set(answers.tolist()) <= {"yes", "no"}
    assert {"loss", "accuracy", "baseline"} <= set(run.metrics["test"])
    assert jax.tree.leaves(run.params)
