"""Measured series: what is read and asked for, the predictors beside the network, files and arrays of one's own."""

from datetime import date, timedelta

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from jaxrnn import timeline
from jaxrnn.data import _predictors, _times, csv, forecast, series
from jaxrnn.distributions import gaussian, negative_binomial
from jaxrnn.losses import weighted_sum
from jaxrnn.series import Series

LENGTHS = {"sunspots": 3120, "lynx": 114, "sea": 19249, "seattle": 1461, "airline": 144, "co2": 2284}


def of(values, **options):
    width = np.shape(values)[1]
    labels = tuple("abcdefgh"[:width])
    return Series(np.asarray(values, float), 0.0, 1.0, np.arange(len(values)), 8, "step", labels, **options)


def test_what_is_read_and_asked_for_at_a_step():
    values = np.stack([np.arange(10.0), 100 + np.arange(10.0)], axis=1)
    known = 1000 + np.arange(13.0)[:, None]
    found = of(values, lags=3, past_covariates=-values[:, :1], future_covariates=known, horizon=2)
    inputs, targets = found.inputs(), found.targets()
    np.testing.assert_array_equal(inputs[5], [5, 105, 4, 104, 3, 103, -5, 1006, 1007])
    np.testing.assert_array_equal(targets[5], [6, 106, 7, 107])
    np.testing.assert_array_equal(inputs[9, -2:], [1010, 1011])
    assert found.reach() == 3
    following = found._replace(past_covariates=None).following(
        jnp.asarray(inputs[5, :6]), jnp.array([6.0, 106.0]), known[7:9, 0]
    )
    np.testing.assert_array_equal(following, [6, 106, 5, 105, 4, 104, 1007, 1008])


def test_windows_end_where_their_targets_are_known():
    dataset = series.dataset(np.arange(100.0), window=10, horizon=3, lags=4)
    values = np.arange(100.0)
    original = dataset.series
    for name, (start, stop) in {"validation": (70, 85), "test": (85, 100)}.items():
        batch = dataset.splits[name]
        targets = np.asarray(batch.targets[-1]) * original.std + original.mean
        np.testing.assert_allclose(targets[0], values[start : start + 3], atol=1e-4)
        np.testing.assert_allclose(targets[-1], values[stop - 3 : stop], atol=1e-4)
    items = dataset.train.plan(jax.random.key(0), jnp.arange(1), dataset.train.rows)
    batch = dataset.train.batch(dataset.train.arrays, jax.tree.map(lambda a: a[0], items))
    largest = float(batch.targets.max() * original.std[0] + original.mean[0])
    assert largest == pytest.approx(69)  # no value of the validation part
    assert float(batch.xs[..., 0].min() * original.std[0] + original.mean[0]) == pytest.approx(3)


def test_persistence_and_the_season_before():
    values = np.tile([1.0, 5.0, 2.0, 9.0], 6)[:, None]
    found = of(values, horizon=3)
    xs = jnp.asarray(found.inputs()[:20, None])
    np.testing.assert_array_equal(_predictors.season_before(found, 4)(xs)[8:, 0], found.targets()[8:20])
    np.testing.assert_array_equal(_predictors.last_value(found)(xs)[7, 0], [9, 9, 9])


def test_the_linear_autoregression_finds_the_recursion_of_a_sine():
    """sin(x + s) = 2 cos(s) sin(x) - sin(x - s): two lags are enough, two steps ahead too."""
    found = of(np.sin(0.3 * np.arange(400))[:, None], horizon=2)
    xs = np.sin(0.7 + 0.3 * np.arange(50))[:, None, None]
    ys = _predictors.linear([(found, 400)], 2)(jnp.asarray(xs))
    np.testing.assert_allclose(ys[1:-2, 0, 0], xs[2:-1, 0, 0], atol=2e-3)
    np.testing.assert_allclose(ys[1:-2, 0, 1], xs[3:, 0, 0], atol=2e-3)


def test_lags_that_are_read_are_the_lags_of_the_sequence():
    """The same features, whether a step holds the lags or the steps before it do."""
    values = np.random.default_rng(0).normal(size=(40, 2))
    wide, narrow = of(values, lags=3), of(values)
    np.testing.assert_array_equal(_predictors.features(narrow.inputs()[:, None], 2, 1, 3)[:, 0], wide.inputs())


def test_the_ridge_penalty_is_chosen_on_the_last_fifth():
    rng = np.random.default_rng(0)
    xs = rng.normal(size=(60, 40))
    pure_noise = _predictors.ridge(xs, rng.normal(size=(60, 1)))[0]
    exact = _predictors.ridge(xs[:, :3], xs[:, :3] @ np.array([[1.0], [2.0], [3.0]]))[0]
    assert np.abs(pure_noise).max() < 0.05
    np.testing.assert_allclose(exact[:, 0], [1, 2, 3], rtol=1e-4)


@pytest.mark.parametrize("name", LENGTHS)
@pytest.mark.sample(1, 3)
def test_the_series_that_ship(name):
    dataset = forecast.dataset(name, distribution=gaussian.distribution())
    found = dataset.series
    assert np.isfinite(found.values).all()
    assert len(found.values) == LENGTHS[name]
    assert (np.diff(found.times).astype(int) > 0).all()
    batch = dataset.splits["validation"]
    losses = {}
    for each, predict in dataset.baselines.items():
        total, weight = weighted_sum(dataset.loss, predict(batch), batch.targets, batch.weights)
        losses[each] = float(total / weight)
    assert losses["linear autoregression"] < losses["persistence"]
    assert "echo state network" in losses
    assert ("seasonal persistence" in losses) == (name in ("co2", "sea", "airline"))


@pytest.mark.costly
def test_an_anchor_is_what_a_network_of_zeros_says():
    dataset = forecast.dataset("airline", horizon=2, distribution=gaussian.distribution())
    batch = dataset.splits["test"].xs.cut()
    linear = dataset.baselines["linear autoregression"](batch)
    np.testing.assert_allclose(dataset.series.anchor(batch.xs), linear[..., :2], rtol=1e-5)
    last = forecast.dataset("airline", horizon=2, anchor="last")
    np.testing.assert_array_equal(last.series.anchor(batch.xs), jnp.tile(batch.xs[..., :1], 2))


@pytest.mark.costly
def test_metrics_by_hand():
    """Errors of 2 and 4 where the training part's last value is off by 1 on average: 3."""
    dataset = series.dataset(np.arange(100.0), window=5, horizon=2)
    batch = dataset.splits["test"]
    std = float(dataset.series.std[0])
    ys = batch.targets + jnp.array([2.0, -4.0]) / std
    assert dataset.metrics["mase"](ys, batch) == pytest.approx(3.0, rel=1e-4)
    assert dataset.metrics["crps"](ys, batch) == pytest.approx(3.0, rel=1e-4)
    assert dataset.metrics["mse"](ys, batch) == pytest.approx(10 / std**2, rel=1e-4)
    spread = series.dataset(np.arange(100.0), window=5, distribution=gaussian.distribution())
    batch = spread.splits["test"]
    ys = spread.series.distribution.around(
        batch.targets + jnp.where(jnp.arange(15) < 5, 1.8, 1.5)[:, None], np.array([1.0])
    )
    assert spread.metrics["coverage"](ys, batch) == pytest.approx(10 / 15, abs=1e-6)  # 1.645 deviations hold 90 %
    assert spread.metrics["coverage"].better == 0.9


def test_errors_of_logarithms_are_in_the_units_of_the_source():
    values = np.exp(np.linspace(0, 3, 60))
    dataset = series.dataset(values, window=5, log=True)
    batch = dataset.splits["test"]
    ys = batch.targets + np.log(2.0) / dataset.series.std[0]  # twice the value
    naive = np.abs(np.diff(values[:42])).mean()
    assert dataset.metrics["mase"](ys, batch) == pytest.approx(values[51:].mean() / naive, rel=1e-4)


@pytest.mark.costly
def test_counts_are_seen_in_units_of_their_mean():
    counts = np.random.default_rng(0).poisson(7, 200)
    dataset = series.dataset(counts, window=5, distribution=negative_binomial.distribution())
    np.testing.assert_allclose(dataset.series.in_source_units(dataset.series.values)[:, 0], counts)
    batch = dataset.splits["test"]
    ys = dataset.baselines["persistence"](batch)
    drawn = dataset.series.distribution.draw(jax.random.key(0), ys) * dataset.series.std[0]
    np.testing.assert_allclose(drawn, np.round(drawn), atol=1e-3)
    with pytest.raises(ValueError, match="counts must be whole numbers"):
        series.dataset(counts + 0.5, window=5, distribution=negative_binomial.distribution())


def test_times_and_the_calendar():
    months, _ = _times.read(["1999-11", "1999-12", "2000-01"])
    assert months.dtype == "datetime64[M]"
    weeks, _ = _times.read(["02.01.2000", "09.01.2000"], "%d.%m.%Y")
    assert weeks.dtype == "datetime64[D]"
    features = timeline.calendar(weeks, ("week", "year"))
    np.testing.assert_allclose(features[0, :2], features[1, :2], atol=1e-9)
    assert np.abs(features[0, 2:] - features[1, 2:]).max() > 0.1
    with pytest.raises(ValueError, match=r"row 2: '02\.01\.2000' is not a time in ISO 8601"):
        _times.read(["2000-01-01", "02.01.2000"])
    with pytest.raises(ValueError, match="is not later than"):
        _times.read(["2000-01-02", "2000-01-01"])


def test_arrays_of_ones_own():
    values = np.random.default_rng(0).normal(size=(80, 2))
    dataset = series.dataset(
        values, past_covariates=values[:, :1], future_covariates=np.arange(90.0), window=8, labels=("x", "y")
    )
    assert dataset.input_size == 2 + 1 + 1
    assert dataset.output_size == 2
    assert dataset.series.value_labels == ("x", "y")
    assert dataset.series.reach() == 10
    with pytest.raises(ValueError, match="past_covariates has 79 rows but values has 80"):
        series.dataset(values, past_covariates=values[1:, :1])
    with pytest.raises(ValueError, match="finite"):
        series.dataset([1.0, np.nan])
    with pytest.raises(ValueError, match="requires values above 0"):
        series.dataset(values, log=True)
    with pytest.raises(ValueError, match=r"horizon=13: the validation split has only 12 values"):
        series.dataset(values, window=8, horizon=13)
    with pytest.raises(ValueError, match="requires dates"):
        series.dataset(values, window=8, calendar=("year",))


@pytest.fixture
def write(tmp_path):
    def written(lines):
        path = tmp_path / "mine.csv"
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return written


def rows(count, gap=()):
    for n in range(count):
        yield f"{date(2001, 1, 1) + timedelta(n):%m.%d.%Y},{'' if n in gap else n},{n % 7},{(n * n) % 11}"


def test_several_columns_with_times_gaps_and_what_is_to_come(write):
    path = write(["day,sales,price,rain", *rows(100, gap=(3, 4)), "04.11.2001,,3,", "04.12.2001,,4,"])
    covariates = {"past_covariates": "rain", "future_covariates": ["price"]}
    dataset = csv.dataset(
        path, "sales", **covariates, time="day", time_format="%m.%d.%Y", missing="interpolate", window=8
    )
    found = dataset.series
    np.testing.assert_allclose(found.in_source_units(found.values)[:, 0], np.arange(100.0))
    assert found.reach() == 2
    assert found.past_covariates.shape == (100, 1)
    assert found.time_label == "day"
    assert str(found.times[0]) == "2001-01-01"
    assert dataset.input_size == 3
    both = csv.dataset(write(["a,b", *(f"{n},{2 * n}" for n in range(60))]), ["a", "b"], window=8)
    assert both.series.value_labels == ("a", "b")


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["a,b", "1,2", "1,2,3"], {}, "line 3: 3 fields, but the header has 2"),
        (["a,b", "1,2", "1,"], {}, "give data.missing=interpolate or forward_fill"),
        (["a,b", "1,", "1,NA"], {"missing": "forward_fill"}, "column 'b': all values are missing"),
        (["a,b", "1,1", "1,x"], {"missing": "interpolate"}, "'x' is not a finite number"),
        (["a,b", "2001,1", "2000,1"], {"time": "a"}, "line 3, column 'a': '2000' is not later than"),
        (["a,b", "1,1", "2,2"], {"past_covariates": "c"}, "data.past_covariates=c"),
    ],
)
def test_columns_that_cannot_be_read(write, lines, options, message):
    with pytest.raises(ValueError, match=message):
        csv.dataset(write(lines), "b", **options)


def test_a_frame_names_its_columns_and_its_times():
    index = pd.date_range("2024-01-01", periods=200, freq="h", tz="Etc/GMT-1", name="when")
    frame = pd.DataFrame({"level": np.sin(np.arange(200) / 5), "rain": np.cos(np.arange(200) / 5)}, index=index)
    dataset = series.dataset(frame[["level"]], past_covariates=frame["rain"], window=8)
    expected = series.dataset(frame["level"].to_list(), past_covariates=frame["rain"].to_numpy(), window=8)
    jax.tree.map(np.testing.assert_array_equal, dataset.splits, expected.splits)
    own = dataset.series
    assert (own.value_labels, own.time_label, own.zone) == (("level",), "when", "+01:00")
    assert own.past_inputs.names == ["rain"]
    assert own.times[:2].astype(str).tolist() == ["2024-01-01T00", "2024-01-01T01"]
    late = frame["rain"].shift(1, freq="h")
    with pytest.raises(ValueError, match=r"past_covariates: the index of row 1 is .*; rows are taken in order"):
        series.dataset(frame["level"], past_covariates=late)
    with pytest.raises(ValueError, match=r"expected numbers \[N\] .* jaxrnn.data.csv.dataset reads files"):
        series.dataset("levels.csv")
