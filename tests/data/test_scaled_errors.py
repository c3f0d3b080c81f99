"""Errors that are scaled by a naive forecast's: the same wherever the series lies, and left out where that is none."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.data import series
from jaxrnn.distributions import gaussian
from jaxrnn.training.priming import generation_error

NOISE = np.random.default_rng(0).integers(-128, 128, size=(90, 2)) / 64  # exact in float64 at every offset below
DISTRIBUTIONS = {"point": None, "gaussian": gaussian.distribution()}


def scores(dataset, errors):
    """The metrics of forecasts that are off by these errors in the source's units, and the generation's error."""
    batch, found = dataset.splits["test"], dataset.series
    points = batch.targets + jnp.asarray(np.tile(errors / found.std, found.horizon), batch.targets.dtype)
    ys = dataset.series.distribution.around(points, np.full(points.shape[-1], 0.1))
    truth = jnp.asarray(found.values[found.handover :], batch.targets.dtype)
    apart = generation_error(dataset, truth + jnp.asarray(errors / found.std, truth.dtype))
    return {name: float(metric(ys, batch)) for name, metric in dataset.metrics.items()} | {"generation": apart}


@pytest.mark.usefixtures("x32")
@pytest.mark.parametrize("offset", [1e4, 1e6, 1e7, 1e8, -1e8])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.sample(2, 3)
def test_an_offset_changes_no_score(offset, distribution, horizon):
    options = {"window": 4, "horizon": horizon, "distribution": DISTRIBUTIONS[distribution]}
    errors, naive = np.array([0.5, -1.5]), np.abs(np.diff(NOISE[:63], axis=0)).mean(axis=0)
    plain, moved = (scores(series.dataset(values, **options), errors) for values in (NOISE, NOISE + offset))
    assert plain["mase"] == pytest.approx(np.mean(np.abs(errors) / naive), rel=1e-5)
    assert moved == pytest.approx(plain, rel=1e-5)


@pytest.mark.usefixtures("x32")
@pytest.mark.parametrize("factor", [1e-6, 1e4, 1e8])
def test_a_factor_changes_no_scaled_error_of_logarithms(factor):
    values = np.exp(NOISE)
    datasets = [series.dataset(each, window=4, log=True) for each in (values, factor * values)]
    plain, moved = (scores(dataset, np.log([2.0, 0.5])) for dataset in datasets)
    test, naive = values[76:], np.abs(np.diff(values[:63], axis=0)).mean(axis=0)
    assert plain["mase"] == pytest.approx(np.mean(test * [1, 0.5] / naive), rel=1e-5)
    assert moved["mase"] == pytest.approx(plain["mase"], rel=1e-5)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_errors_are_not_scaled_where_the_naive_forecast_makes_none(distribution, caplog):
    """A series that repeats itself exactly: there is nothing to divide by, and an unscaled error is no scaled one."""
    values = np.tile(NOISE[:6], (20, 1))
    dataset = series.dataset(values, window=4, season=6, distribution=DISTRIBUTIONS[distribution])
    assert not {"mase", "crps"} & dataset.metrics.keys()
    assert "mse" in dataset.metrics
    assert (
        "mase and crps are left out: in the training part, value 1 always equals its value data.season=6" in caplog.text
    )
    almost = values + np.random.default_rng(1).normal(size=values.shape) * 1e-12
    assert "mase" not in series.dataset(almost, window=4, season=6).metrics  # rounding is no error either
    assert "mase" in series.dataset(values, window=4).metrics


@pytest.mark.parametrize("season", [84, 85, 100])
def test_a_season_as_long_as_the_training_part_is_refused(season):
    values = np.tile(NOISE, (2, 1))[:120]
    series.dataset(values, window=4, season=83)
    with pytest.raises(ValueError, match=rf"^data.season={season} must be shorter than the training part, 84 values; "):
        series.dataset(values, window=4, season=season)
