"""The distributions against SciPy, and their scores against the integrals that define them."""

import importlib
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

import jaxrnn.distributions
from jaxrnn.distributions import gaussian, negative_binomial, point, quantiles, student_t

NAMES = [module.name for module in pkgutil.iter_modules(jaxrnn.distributions.__path__) if module.name[0] != "_"]
NAMES.remove("pen_mixture")  # of two values together: test_pen_mixture
RNG = np.random.default_rng(0)


def positive(raw):
    return np.log1p(np.exp(raw)) + 1e-3


def outputs(size, n=3):
    return RNG.normal(size=(5, size * n)), RNG.normal(size=(5, n))


def frozen(name, ys, scale=1.0):
    """SciPy's distribution of outputs ys [..., p n]."""
    first, *raw = np.split(np.asarray(ys), {"gaussian": 2, "student_t": 3, "negative_binomial": 2}[name], axis=-1)
    if name == "gaussian":
        return stats.norm(first, positive(raw[0]))
    if name == "student_t":
        return stats.t(2 + positive(raw[1]), first, positive(raw[0]))
    mean, r = scale * positive(first), 1 / positive(raw[0])
    return stats.nbinom(r, r / (r + mean))


def made(name):
    return importlib.import_module(f"jaxrnn.distributions.{name}").distribution()


@pytest.mark.parametrize("name", ["gaussian", "student_t"])
def test_likelihood_probabilities_and_quantiles_are_scipys(name):
    found, (ys, values) = made(name), outputs({"gaussian": 2, "student_t": 3}[name])
    true = frozen(name, ys)
    np.testing.assert_allclose(found.loss(ys, values), -true.logpdf(values), rtol=1e-10)
    np.testing.assert_allclose(found.cdf(ys, values), true.cdf(values), rtol=1e-8, atol=1e-12)
    for q in (0.05, 0.5, 0.9):
        np.testing.assert_allclose(found.quantile(ys, q), true.ppf(q), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.median(ys), true.median(), atol=1e-9)


def test_counts_are_scipys_negative_binomial():
    scale = 20.0
    found, (ys, _) = negative_binomial.distribution(scale), outputs(2)
    true, counts = frozen("negative_binomial", ys, scale), RNG.integers(0, 60, (5, 3))
    np.testing.assert_allclose(found.loss(ys, counts / scale), -true.logpmf(counts), rtol=1e-8)
    np.testing.assert_allclose(found.cdf(ys, counts / scale), true.cdf(counts), rtol=1e-7)
    for q in (0.05, 0.5, 0.95):
        np.testing.assert_array_equal(np.round(found.quantile(ys, q) * scale), true.ppf(q))


@pytest.mark.parametrize("name", ["gaussian", "student_t", "quantiles"])
def test_the_crps_is_the_integral_of_its_definition(name):
    found = made(name)
    ys, values = outputs(found.size, 1)

    for row, value in zip(ys, values[:, 0], strict=True):
        cdf = jax.jit(lambda z, row=row: found.cdf(row, z[None])[0])
        steps = {"limit": 400}
        whole = integrate.quad(lambda z, cdf=cdf: float(cdf(z)) ** 2, value - 60, value, points=[value - 3], **steps)[0]
        whole += integrate.quad(
            lambda z, cdf=cdf: (1 - float(cdf(z))) ** 2, value, value + 60, points=[value + 3], **steps
        )[0]
        tail = 2e-3 if name == "student_t" else 0.0  # beyond 60
        np.testing.assert_allclose(found.crps(row, np.array([value]))[0], whole, rtol=1e-5, atol=1e-5 + tail)


def test_the_crps_of_counts_is_the_sum_of_its_definition():
    found, ys = negative_binomial.distribution(10.0), RNG.normal(size=(4, 2))
    counts = np.array([[0], [3], [12], [40]])
    true, k = frozen("negative_binomial", ys, 10.0), np.arange(2000)
    steps = (true.cdf(k) - (k >= counts)) ** 2
    np.testing.assert_allclose(found.crps(ys, counts / 10.0)[:, 0] * 10, steps.sum(axis=1), rtol=0.02)


@pytest.mark.parametrize("name", ["gaussian", "student_t", "quantiles", "negative_binomial"])
def test_draws_have_the_distribution(name):
    """The probabilities of what is drawn are uniform; of counts the frequencies pass a chi-squared test."""
    found = made(name)
    ys = np.repeat(RNG.normal(size=(1, found.size)), 4000, axis=0)
    drawn = np.asarray(jax.jit(found.draw)(jax.random.key(1), ys))[:, 0]
    if name == "negative_binomial":
        true = frozen(name, ys[0])
        edges = np.unique(true.ppf(np.linspace(0.1, 0.9, 9)))
        expected = np.diff([0.0, *true.cdf(edges), 1.0])
        counts = np.bincount(np.searchsorted(edges, drawn), minlength=len(expected))
        assert stats.chisquare(counts, 4000 * expected).pvalue > 1e-3
    elif name == "quantiles":
        inside = (drawn > float(found.quantile(ys, 0.25)[0, 0])) & (drawn < float(found.quantile(ys, 0.75)[0, 0]))
        assert abs(inside.mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)
    else:
        assert stats.kstest(drawn, frozen(name, ys[0]).cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_around_has_its_point_and_spread_and_the_location_can_be_shifted(name):
    found, points, spread = made(name), np.array([[3.0, 9.0]]), np.array([0.5, 4.0])
    ys = found.around(points, spread)
    assert ys.shape == (1, 2 * found.size)
    tolerance = 1.0 if name == "negative_binomial" else 1e-6
    np.testing.assert_allclose(found.median(ys), points, atol=tolerance)
    if name in ("gaussian", "student_t"):
        np.testing.assert_allclose(frozen(name, ys).std(), spread[None], rtol=1e-2)
    if name == "quantiles":
        np.testing.assert_allclose(found.quantile(ys, 0.95), points + 1.645 * spread, rtol=2e-2)
    if name != "negative_binomial":
        shifted = jnp.asarray(ys).at[..., :2].add(1.0)
        np.testing.assert_allclose(found.quantile(shifted, 0.3), found.quantile(ys, 0.3) + 1.0, atol=1e-6)


def test_quantiles_do_not_cross_and_learn_by_the_pinball_loss():
    found, (ys, values) = quantiles.distribution((0.1, 0.5, 0.9)), outputs(3)
    at = np.stack([found.quantile(ys, q) for q in (0.1, 0.5, 0.9)])
    assert (np.diff(at, axis=0) > 0).all()
    error, q = values - at, np.array([0.1, 0.5, 0.9])[:, None, None]
    pinball = np.where(error > 0, q * error, (q - 1) * error)
    np.testing.assert_allclose(found.loss(ys, values), 2 * pinball.mean(axis=0), rtol=1e-12)
    with pytest.raises(ValueError, match=r"0\.5 in the middle"):
        quantiles.distribution((0.1, 0.4, 0.9))


def test_a_point_is_its_squared_error():
    found, (ys, values) = point.distribution(), outputs(1)
    np.testing.assert_array_equal(found.loss(ys, values), (ys - values) ** 2)
    np.testing.assert_array_equal(found.crps(ys, values), np.abs(ys - values))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_finite_far_from_the_data(name):
    found = made(name)
    for far in (-50.0, 50.0):
        ys = jnp.full((found.size,), far)
        gradient = jax.grad(lambda ys: found.loss(ys, jnp.array([3.0]))[0])(ys)
        assert np.isfinite(gradient).all()
    assert gaussian.distribution().size == 2
    assert student_t.distribution().size == 3
