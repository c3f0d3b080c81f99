"""How a network goes on with a series: fed back or at once, as medians or as paths, from where and how far."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxrnn import nets
from jaxrnn.cells import gru
from jaxrnn.data import series
from jaxrnn.distributions import gaussian
from jaxrnn.distributions._parameters import raw_of
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.run import Run
from jaxrnn.optimizers import as_optimizer
from jaxrnn.table import Table
from jaxrnn.training import forecasts
from jaxrnn.training.priming import generates, generation_error
from jaxrnn.training.update import Task, Trainer

NORMAL = gaussian.distribution()


def run_of(dataset, weights=None, bias=0.0, net=None):
    """A run of a network with these weights [D, K]: affine, without a memory, unless another net is given."""
    net = nets.anchored(nets.affine(dataset.output_size) if net is None else net, dataset)
    params = net.init(jax.random.key(0), dataset.input_size)
    if weights is not None:
        params = params._replace(w=jnp.asarray(weights, float), b=jnp.broadcast_to(jnp.asarray(bias), params.b.shape))
    task = Task(net, dataset, as_optimizer(optax.identity()), Trainer(1, 1, 1, "f64"))
    return Run(task, params, 0, 0, Table([]))


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def test_paths_of_an_autoregression_have_the_closed_form_at_every_lead():
    """x' = 0.8 x + 0.3 e: mean 0.8^k x, variance 0.09 (1 - 0.8^2k) / (1 - 0.8^2)."""
    dataset = series.dataset(noise(100), window=4, distribution=NORMAL)
    run = run_of(dataset, [[0.8, 0.0]], jnp.array([0.0, raw_of(0.3)]))
    count, k = 4000, np.arange(1, 7)
    paths = run.paths(count, length=6, prime=4)[..., 0]
    last = dataset.series.values[dataset.series.handover - 1, 0]
    mean, variance = 0.8**k * last, 0.09 * (1 - 0.8 ** (2 * k)) / (1 - 0.8**2)
    assert (np.abs(paths.mean(axis=1) - mean) < 4 * np.sqrt(variance / count)).all()
    assert (np.abs(paths.var(axis=1) / variance - 1) < 4 * np.sqrt(2 / count)).all()
    np.testing.assert_allclose(run.generate(6, 4)[:, 0], mean, rtol=1e-10)
    assert not np.array_equal(paths, run.paths(count, length=6, prime=4, seed=1)[..., 0])


@pytest.mark.parametrize("horizon", [1, 3])
def test_what_is_known_in_advance_is_read_at_its_time(horizon):
    """A network that says what is known of each step: exact fed back and at once, to the end of what is known."""
    values, known = noise(60), np.concatenate([noise(60, seed=2), noise(5, seed=1)])
    dataset = series.dataset(values, future_covariates=known, lags=2, window=4, horizon=horizon)
    weights = np.zeros((2 + horizon, horizon))
    weights[2:] = np.eye(horizon)
    run, read = run_of(dataset, weights), dataset.series.future_covariates[:, 0]
    np.testing.assert_allclose(run.generate(3, 4)[:, 0], read[51:54], rtol=1e-12)
    np.testing.assert_allclose(run.generate(3, 4, start=60)[:, 0], read[60:63], rtol=1e-12)
    with pytest.raises(ConfigError, match="reach 5 steps beyond" if horizon == 1 else "at most data.horizon=3"):
        run.generate(6, 4, start=60)


def test_lags_follow_what_was_said():
    """x' = x_{t-1}: with two lags the last two values come again and again."""
    dataset = series.dataset(noise(60), lags=2, window=4)
    run, values = run_of(dataset, [[0.0], [1.0]]), dataset.series.values[:, 0]
    np.testing.assert_allclose(run.generate(5, 4, start=40)[:, 0], np.tile(values[38:40], 3)[:5], rtol=1e-12)


def test_generation_at_once_and_fed_back_agree_where_one_step_is_the_horizon():
    """A network with a memory, one step after the other, says what it says over the whole sequence."""
    dataset = series.dataset(noise(60), window=6, distribution=NORMAL)
    net = nets.serial(nets.recurrent(gru.cell(3)), nets.affine(dataset.output_size))
    run, place = run_of(dataset, net=net), dataset.series.handover
    ys = net.apply(
        run.params, net.initial(run.params, (1,)), jnp.asarray(dataset.series.inputs()[place - 6 : place, None])
    )
    np.testing.assert_allclose(run.generate(1, 6)[0], ys[1][-1, 0, :1], rtol=1e-6)


@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.sample(1, 1)
def test_errors_by_lead_of_a_straight_line(horizon):
    """The last value is off by k at k steps ahead, and so is a network before training that is anchored to it."""
    dataset = series.dataset(np.arange(80.0), window=5, horizon=horizon, anchor="last")
    run = run_of(dataset)
    errors = forecasts.by_lead(run, 4)
    np.testing.assert_allclose(errors["network"], [1, 2, 3, 4], rtol=1e-5)
    np.testing.assert_allclose(errors["persistence"], [1, 2, 3, 4], rtol=1e-5)
    assert errors["linear autoregression"].max() < 0.1
    with pytest.raises(ConfigError, match="horizon=40: only 12 values" if horizon == 1 else "at most data.horizon=4"):
        forecasts.by_lead(run, 40)


@pytest.mark.usefixtures("x32")
@pytest.mark.slow
@pytest.mark.share(2)
@pytest.mark.parametrize("horizon", [1, 3])
def test_an_offset_changes_no_error_by_lead(horizon):
    values, options = noise(90).round(2), {"window": 4, "horizon": horizon, "anchor": "last"}
    plain, moved = (forecasts.by_lead(run_of(series.dataset(values + a, **options)), 3) for a in (0, 1e8))
    assert moved.keys() == plain.keys()
    for name, errors in plain.items():
        np.testing.assert_allclose(moved[name], errors, rtol=1e-4)


def test_errors_by_lead_need_a_naive_forecast_that_errs():
    run = run_of(series.dataset(np.tile(noise(6), 20), window=4, season=6))
    with pytest.raises(ConfigError, match="one season before, is exact over the training part"):
        forecasts.by_lead(run, 3)


def test_the_error_of_several_variables_is_in_their_units():
    values = np.stack([noise(60), 100 * noise(60, 1)], axis=1)
    dataset = series.dataset(values, window=4)
    truth = dataset.series.values[dataset.series.handover :]
    off = truth + 1.0 / dataset.series.std  # by one unit of each
    assert generation_error(dataset, off) == pytest.approx(1.0)
    assert generation_error(dataset, off, start=60) is None


def test_a_network_that_reads_the_past_of_others_does_not_go_on_step_by_step():
    past = noise(60)[:, None]
    run = run_of(series.dataset(noise(60), past_covariates=past, window=4))
    assert not generates(run.task)
    with pytest.raises(ConfigError, match=r"train it with data\.horizon=2 or more"):
        run.generate()
    at_once = run_of(series.dataset(noise(60), past_covariates=past, window=4, horizon=2))
    assert at_once.generate().shape == (2, 1)
    assert at_once.paths(7).shape == (2, 7, 1)
    with pytest.raises(ConfigError, match="start=61: the series holds 60 values"):
        at_once.generate(start=61)


def test_the_figures_have_a_panel_a_variable_and_a_fan():
    values = np.stack([noise(60), noise(60, 1)], axis=1)
    run = run_of(series.dataset(values, window=4, distribution=NORMAL, labels=("first", "second")))
    figure = run.plot_generation(5)
    assert [axes.get_ylabel() for axes in figure.axes] == ["first", "second"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "true values",
        "central 90 % of the sampled paths",
        "central 50 % of the sampled paths",
        "generated",
    ]
    assert "burn-in on true values " in [text.get_text() for text in figure.axes[0].texts]


def test_a_network_begins_as_its_anchor_and_learns_what_that_leaves():
    dataset = series.dataset(noise(60), window=4, anchor="last", distribution=NORMAL)
    net = nets.anchored(nets.affine(2), dataset)
    params = net.init(jax.random.key(0), 1)
    xs = jnp.asarray(noise(6)).reshape(3, 2, 1)
    mask = jnp.array([[True, True], [True, False], [True, True]])
    ys = net.apply(params, (), xs)[1]
    np.testing.assert_array_equal(ys[..., 0], xs[..., 0])
    half = net.apply(params._replace(alpha=jnp.array([0.5])), (), xs, mask=mask)[1]
    plain = nets.affine(2).apply(params.net, (), xs)[1]
    np.testing.assert_allclose(half[0], jnp.stack([xs[0, :, 0] + 0.5 * plain[0, :, 0], plain[0, :, 1]], axis=-1))
    np.testing.assert_array_equal(half[1, 1], [0, 0])
