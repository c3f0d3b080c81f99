"""The data sets: what a batch holds, how time is split, and what a bad file is told."""

import importlib
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn.data
from jaxrnn.data import cosine, csv, noisy_cosine, sine, sunspots
from jaxrnn.losses import squared_error, weighted_sum

KEY = jax.random.key(0)


def batches(dataset, steps, batch_size, first=0):
    items = dataset.train.plan(KEY, first + jnp.arange(steps), batch_size)
    return [dataset.train.batch(dataset.train.arrays, jax.tree.map(lambda a, i=i: a[i], items)) for i in range(steps)]


def test_every_public_module_has_the_factory_or_builds_data_sets():
    modules = [module for module in pkgutil.iter_modules(jaxrnn.data.__path__) if module.name[0] != "_"]
    names = {each.name for each in modules if hasattr(importlib.import_module(f"jaxrnn.data.{each.name}"), "dataset")}
    assert {each.name for each in modules} - names == {"examples", "sequences", "sound"}


def test_sine_point_by_point():
    """sin(0), sin(1), ..., in order; fresh only where an epoch begins."""
    drawn = batches(sine.dataset(), 80, 1)
    np.testing.assert_allclose([b.xs.item() for b in drawn], np.sin(np.arange(80) % 36))
    np.testing.assert_allclose([b.targets.item() for b in drawn], np.sin(np.arange(80) % 36 + 1))
    assert [i for i, b in enumerate(drawn) if b.fresh.item()] == [0, 36, 72]


def test_sine_in_rows_and_windows():
    """Two rows of 18 points each in windows of 6: row 1 goes through points 18 to 35."""
    drawn = batches(sine.dataset(window=6, step=0.1, phase=0.5), 4, 2)
    np.testing.assert_allclose(drawn[1].xs[:, 0, 0], np.sin(0.5 + 0.1 * np.arange(6, 12)))
    np.testing.assert_allclose(drawn[1].xs[:, 1, 0], np.sin(0.5 + 0.1 * np.arange(24, 30)))
    np.testing.assert_array_equal([b.fresh for b in drawn], [[1, 1], [0, 0], [0, 0], [1, 1]])


def test_sine_evaluates_the_points_after_a_warm_up():
    validation, test = sine.dataset().splits.values()
    counted = np.asarray(validation.targets[validation.weights > 0])[:, 0]
    np.testing.assert_allclose(counted, np.sin(np.arange(37, 73)))
    np.testing.assert_allclose(np.asarray(test.targets[test.weights > 0])[:, 0], np.sin(np.arange(73, 109)))
    assert validation.weights[0, 0] == 0


@pytest.mark.costly
def test_cosine_windows_as_published():
    dataset = cosine.dataset()
    curve = np.cos(np.linspace(1, 100, 3000))
    assert dataset.train.rows == 2000
    (batch,) = batches(dataset, 1, 100)
    assert batch.xs.shape == (500, 100, 1)
    np.testing.assert_array_equal(batch.weights.sum(0), 1)
    np.testing.assert_array_equal(batch.weights[-1], 1)
    validation = dataset.splits["validation"].xs.cut()
    np.testing.assert_allclose(validation.targets[-1, :, 0], curve[2500:], atol=1e-12)
    np.testing.assert_allclose(validation.xs[:, 0, 0], curve[2000:2500], atol=1e-12)


@pytest.mark.costly
def test_shuffled_windows_cover_an_epoch_once_whatever_the_chunks():
    dataset = cosine.dataset(points=60, window=10, held_out=20)
    assert dataset.train.rows == 30
    curve = np.cos(np.linspace(1, 100, 60))
    whole = batches(dataset, 12, 5)
    for epoch in (whole[:6], whole[6:]):
        starts = sorted(float(x) for b in epoch for x in b.xs[0, :, 0])
        np.testing.assert_allclose(starts, np.sort(curve[:30]), atol=1e-12)
    assert not np.allclose(whole[0].xs, whole[6].xs)
    for i, b in enumerate(batches(dataset, 5, 5, first=4)):
        np.testing.assert_array_equal(b.xs, whole[4 + i].xs)


@pytest.mark.costly
def test_noisy_cosine():
    dataset = noisy_cosine.dataset(window=20, step=0.3, noise=0.05)
    drawn = batches(dataset, 200, 4)
    points = np.stack([np.concatenate([b.xs[:, :, 0], b.targets[-1:, :, 0]]) for b in drawn])  # [n, 21, B]
    np.testing.assert_array_equal(drawn[0].xs[1:], drawn[0].targets[:-1])
    angles = 0.3 * np.arange(21)
    basis = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rows = points.swapaxes(1, 2).reshape(-1, 21).T
    fitted, *_ = np.linalg.lstsq(basis, rows, rcond=None)
    noise = (rows - basis @ fitted).std() * np.sqrt(21 / 19)
    np.testing.assert_allclose(noise, 0.05, rtol=0.03)
    np.testing.assert_allclose(np.hypot(*fitted).mean(), 1, atol=0.01)
    phases = np.arctan2(-fitted[1], fitted[0])
    assert np.histogram(phases, 4, (-np.pi, np.pi))[0].min() > 150  # uniform phases
    test = dataset.splits["test"].xs.cut()
    np.testing.assert_allclose(test.xs[2:] + test.xs[:-2], 2 * np.cos(0.3) * test.xs[1:-1], atol=1e-12)  # clean
    assert all(b.fresh.all() for b in drawn)
    assert [bool(b.fresh.any()) for b in batches(noisy_cosine.dataset(stateful=True), 3, 1)] == [True, False, False]


@pytest.mark.costly
def test_sunspots_are_split_in_time_and_scaled_by_the_training_part():
    dataset = sunspots.dataset()
    series = dataset.series
    original = series.values[:, 0] * series.std + series.mean
    assert len(original) == 3120
    np.testing.assert_allclose(original[[0, 1, -1]], [58.0, 62.6, 0.8], atol=1e-12)
    train = series.values[: round(3120 * 0.7)]
    np.testing.assert_allclose([train.mean(), train.std()], [0, 1], atol=1e-12)
    assert dataset.train.rows == 2184 - 132
    np.testing.assert_array_equal(dataset.splits["test"].targets[-1, :, 0], series.values[2652:, 0])
    np.testing.assert_array_equal(dataset.splits["validation"].targets[-1, :, 0], series.values[2184:2652, 0])
    assert float(max(b.targets.max() for b in batches(dataset, 64, 32))) <= train.max()


@pytest.mark.parametrize("target", ["all", "last"])
def test_trivial_predictor(target):
    """The last value again: its error on the clean cosine is known."""
    test = cosine.dataset(target=target).splits["test"].xs.cut()
    total, weight = weighted_sum(squared_error, test.xs, test.targets, test.weights)
    step = 99 / 2999
    np.testing.assert_allclose(total / weight, 1 - np.cos(step), rtol=0.1)


def test_weights_keep_nan_out():
    ys, targets, weights = (
        jnp.ones((3, 1, 1)),
        jnp.array([2.0, jnp.nan, 4.0])[:, None, None],
        jnp.array([[1.0], [0], [3]]),
    )

    def mean(ys):
        total, weight = weighted_sum(squared_error, ys, targets, weights)
        return total / weight

    assert mean(ys) == (1 * 1 + 3 * 9) / 4
    np.testing.assert_allclose(jax.grad(mean)(ys)[:, 0, 0], [-2 / 4, 0, -6 * 3 / 4])
    assert jnp.isfinite(jax.grad(mean)(jnp.array([1.0, jnp.nan, 1.0])[:, None, None])).all()


def write(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    return str(path)


def test_csv_takes_any_column(tmp_path):
    path = write(tmp_path, "day,x,y\n" + "".join(f"{i},{i % 7},{2.5 * i}\n" for i in range(200)))
    for column in ("y", 2):
        dataset = csv.dataset(path, column, window=10)
        series = dataset.series
        np.testing.assert_allclose(series.values[:, 0] * series.std + series.mean, 2.5 * np.arange(200))
        assert series.value_labels == ("y",)
        assert dataset.train.rows == 130
    assert list(csv.dataset(path, "x", validation=0.0).splits) == ["test"]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a,b\n1,2\n3,\n", "b", r"line 3, column 'b': the value is missing"),
        ("a,b\n1,2\n3\n", "b", r"line 3, column 'b': the value is missing"),
        ("a,b\n1,2\n3,oops\n", "b", r"line 3, column 'b': 'oops' is not a finite number"),
        ("a,b\n1,nan\n", "b", r"line 2, column 'b': 'nan' is not a finite number"),
        ("a,b\n1,2\n", "c", r"no such column; it has a, b"),
        ("a,b\n1,2\n", 7, r"no such column"),
        ("", "a", r"is empty"),
        ("a\n", "a", r"no values"),
        ("a\n" + "1\n2\n" * 15, "a", r"window=32 is longer than the training part"),
    ],
)
def test_csv_names_what_is_wrong(tmp_path, text, column, message):
    with pytest.raises(ValueError, match=message):
        csv.dataset(write(tmp_path, text), column)


def test_csv_without_a_file():
    with pytest.raises(FileNotFoundError, match="no such file"):
        csv.dataset("nowhere.csv", "a")


def test_windows_that_do_not_fit():
    with pytest.raises(ValueError, match="at most 2499 steps"):
        cosine.dataset(window=2500)
    with pytest.raises(ValueError, match="longer than the training part"):
        sunspots.dataset(window=2184)
