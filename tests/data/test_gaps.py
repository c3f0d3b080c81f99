"""Values that are missing: they are read, filled from the past, and are never a target."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn
from jaxrnn.cells import gru
from jaxrnn.data import csv, forecast, series
from jaxrnn.distributions import gaussian, negative_binomial
from jaxrnn.losses import weighted_sum
from jaxrnn.training.evaluation import scores
from jaxrnn.training.update import Task

NOISE = np.random.default_rng(0).normal(size=4000)
HALF = np.where(np.arange(4000) % 2, np.nan, NOISE)
F64 = {"precision": "f64"}
RULES = ("interpolate", "forward_fill")


def training(dataset, count=None):
    """A batch of the training windows in order."""
    rows = dataset.train.rows if count is None else count
    return dataset.train.batch(dataset.train.arrays, (jnp.arange(rows), jnp.ones(rows, bool)))


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_white_noise_with_gaps_is_not_forecast_better_than_it_can_be(rule):
    """Of white noise nothing is known in advance: the best error is its variance, whoever forecasts."""
    dataset = series.dataset(HALF, window=8, missing=rule)
    unit = float(dataset.series.std[0]) ** 2 / np.nanvar(HALF)
    for split, batch in dataset.splits.items():
        assert float(batch.weights.sum()) == 300, split
        for name, predict in dataset.baselines.items():
            total, weight = weighted_sum(dataset.loss, predict(batch), batch.targets, batch.weights)
            assert unit * float(total / weight) > 0.9, name
    run = jaxrnn.fit(jaxrnn.rnn(gru.cell(8), 1), dataset, steps=200, batch_size=64, learning_rate=1e-2, **F64)
    for split in ("validation", "test"):
        assert 0.85 < unit * run.metrics[split]["loss"] < 1.2
    assert any("2000 of 4000 values are filled" in note for note in run.summary()["notes"])


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("target", ["all", "last"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.sample(1, 3)
def test_a_filled_value_is_no_target_in_any_split(rule, target, horizon):
    """Loss and metrics are those of the known values only, and weights are their shares."""
    gaps = np.random.default_rng(1).random((300, 2)) < 0.3
    values = np.where(gaps, np.nan, np.random.default_rng(2).normal(size=(300, 2)).cumsum(axis=0))
    dataset = series.dataset(values, window=6, missing=rule, target=target, horizon=horizon,
                             distribution=gaussian.distribution())  # fmt: skip
    stops = {"validation": (210, 255), "test": (255, 300)}
    for name, (start, stop) in stops.items():
        batch = dataset.splits[name]
        at = np.arange(start, stop - horizon + 1)[:, None] + np.arange(horizon)
        known = ~gaps[at].reshape(len(at), -1)
        np.testing.assert_allclose(batch.weights[0], known.mean(axis=1))
        np.testing.assert_array_equal(~np.isnan(batch.targets[0]), known)
        ys = jax.random.normal(jax.random.key(0), (1, len(at), dataset.output_size))
        each = np.asarray(dataset.series.distribution.loss(ys, jnp.nan_to_num(batch.targets)))[0]
        total, weight = weighted_sum(dataset.loss, ys, batch.targets, batch.weights)
        np.testing.assert_allclose(total / weight, each[known].mean())
        found = {name: metric(ys, batch) for name, metric in dataset.metrics.items()}
        assert all(np.isfinite(value) for value in found.values()), found
        error = np.abs(np.asarray(dataset.series.distribution.median(ys)) - batch.targets)[0][known]
        np.testing.assert_allclose(found["mse"], (error**2).mean())
    batch = training(dataset)
    weights = np.asarray(batch.weights)[-1] if target == "last" else np.asarray(batch.weights)
    assert ((weights > 0) <= ~np.isnan(np.asarray(batch.targets))[-len(np.atleast_2d(weights)) :].all(axis=-1)).all()
    targets = np.asarray(batch.targets)
    source = dataset.series.truth().astype(float)
    assert set(np.round(targets[~np.isnan(targets)], 9)) <= set(np.round(source[~np.isnan(source)], 9))
    grads = jax.grad(lambda ys: weighted_sum(dataset.loss, ys, batch.targets, batch.weights)[0])(
        jnp.ones((*targets.shape[:2], dataset.output_size))
    )
    assert np.isfinite(grads).all()


@pytest.mark.costly
@pytest.mark.parametrize("rule", RULES)
def test_nothing_is_read_of_the_future_where_something_is_asked(rule):
    """Changing the values after any step changes no input of a step that is asked, in any split."""
    values = np.where(np.random.default_rng(3).random(200) < 0.2, np.nan, np.arange(200.0) ** 2)
    values[:3] = np.nan

    def inputs(values):
        found = series.dataset(values, window=4, missing=rule).series
        asked = ~np.isnan(found.targets()).all(axis=1)
        return found.in_source_units(found.inputs()), asked

    before, asked = inputs(values)
    for cut in range(60, 199, 7):
        if not np.isnan(values[cut]):
            changed = np.where(np.arange(200) >= cut, values * 3 + 1, values)
            after, _ = inputs(changed)
            rows = np.flatnonzero(asked[:cut])
            np.testing.assert_allclose(after[rows], before[rows], err_msg=str(cut))


def test_lines_run_through_time_in_the_training_part_and_stop_before_validation():
    times = np.array([0, 1, 2, 3, 7, 8, 9, 10, *range(11, 63)], float) + 100
    values = np.where(np.isin(np.arange(60), [4, 5, 50]), np.nan, times)
    dataset = series.dataset(values, times=times, window=4, missing="forward_fill")
    filled = dataset.series.in_source_units(dataset.series.values)[:, 0]
    assert len(filled) == 63  # the three steps between 3 and 7 are steps
    np.testing.assert_allclose(filled[3:10], [103, 103, 103, 103, 103, 103, 109])
    line = series.dataset(values, times=times, window=4, missing="interpolate").series
    filled = line.in_source_units(line.values)[:, 0]
    np.testing.assert_allclose(filled[:53], np.arange(100.0, 153))
    np.testing.assert_allclose(filled[53], 152)  # validation: the value after it is not known yet
    assert line.informed[4:9].all()
    assert line.informed.sum() == 5


def test_business_days_are_interpolated_by_time():
    days = np.busday_offset("2024-01-01", np.arange(20))
    values = np.arange(20.0)
    values[4] = np.nan  # the Friday between a Thursday of 3 and a Monday of 5, four days later
    found = series.dataset(values, times=days, window=2, missing="interpolate").series
    np.testing.assert_allclose(found.in_source_units(found.values)[4, 0], 3.5)


@pytest.mark.parametrize("rule", RULES)
def test_gaps_at_the_beginning_and_the_end(tmp_path, rule):
    path = tmp_path / "mine.csv"
    texts = ["", "nan", *map(str, range(2, 58)), "", ""]
    path.write_text("n,a\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts)))
    dataset = csv.dataset(str(path), "a", missing=rule, window=8)
    found = dataset.series
    filled = found.in_source_units(found.values)[:, 0]
    np.testing.assert_allclose(filled[[0, 1, 2, 57, 58, 59]], [2, 2, 2, 57, 57, 57])
    assert found.informed[:2].all()
    assert found.informed.sum() == 2
    np.testing.assert_array_equal(np.flatnonzero(found.missing[:, 0]), [0, 1, 58, 59])
    assert dataset.notes == (f"a: 4 of 60 values are filled ({rule}); they are never targets",)


def test_counts_may_have_gaps():
    values = np.random.default_rng(0).poisson(5, 200).astype(float)
    values[[20, 21, 150]] = np.nan
    dataset = series.dataset(values, window=5, missing="interpolate", distribution=negative_binomial.distribution())
    assert dataset.series.missing.sum() == 3


def test_the_scales_are_those_of_known_values():
    values = np.where(np.arange(100) % 5 == 2, np.nan, np.arange(100.0))
    found = series.dataset(values, window=5, missing="forward_fill").series
    np.testing.assert_allclose([found.mean[0], found.std[0]], [np.nanmean(values[:70]), np.nanstd(values[:70])])
    last = np.where(np.arange(100) % 5 == 3, 2.0, 1.0)[1:70]  # steps after a gap read the value two steps before
    np.testing.assert_allclose(found.naive_error[0], last[~np.isnan(values[1:70])].mean())


def test_a_part_without_a_known_value_is_refused():
    values = np.arange(100.0)
    values[85:] = np.nan
    with pytest.raises(ValueError, match="all targets of the test part are missing"):
        series.dataset(values, window=5, missing="forward_fill")
    values[:70] = np.nan
    with pytest.raises(ValueError, match="value 1: the training part has no value"):
        series.dataset(values, window=5, missing="interpolate")
    with pytest.raises(ValueError, match="row 1 is NaN"):
        series.dataset(values, window=5)


@pytest.mark.slow
def test_generation_and_figures_leave_filled_values_out():
    values = np.where(np.arange(120) % 10 == 4, np.nan, np.sin(np.arange(120) / 3))
    dataset = series.dataset(values, window=5, missing="interpolate")
    run = jaxrnn.fit(jaxrnn.rnn(gru.cell(4), 1), dataset, steps=4, batch_size=8, learning_rate=1e-2, **F64)
    assert np.isfinite(run.summary()["generation"]["mean_squared_error"])
    assert "prediction" in run.plot()
    from jaxrnn.training.forecasts import by_lead

    assert all(np.isfinite(errors).all() for errors in by_lead(run, 3).values())


def test_the_weeks_without_co2_are_no_targets():
    dataset = forecast.dataset("co2")
    assert dataset.series.missing.sum() == 59
    assert any("59 of 2284 values are filled" in note for note in dataset.notes)


def test_metrics_of_ones_own_may_read_targets_that_are_not_known():
    dataset = series.dataset(np.where(np.arange(90) % 4 == 1, np.nan, np.arange(90.0)), window=4, horizon=2,
                             missing="forward_fill")  # fmt: skip
    task = Task(None, dataset, None, None, None, {"mae": jaxrnn.metrics.mean_absolute_error()})
    batch = dataset.splits["test"]
    found = scores(task, jnp.zeros((1, batch.weights.shape[1], 2)), batch)
    known = np.asarray(batch.targets)[~np.isnan(batch.targets)]
    np.testing.assert_allclose(found["mae"], np.abs(known).mean())
