"""The mixture density of pen movements against SciPy and NumPy, transcribed from Graves 2013, eqs. 18-25, 61-62."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special, stats

from jaxrnn.distributions.pen_mixture import mixture

RNG = np.random.default_rng(0)
M = 4
PEN = mixture(M)


def parameters(ys, bias=0.0):
    """(pi, mu [M, 2], covariances [M, 2, 2], probability of an end) of outputs [6 M + 1]."""
    pi, mu_x, mu_y, s_x, s_y, rho = np.asarray(ys)[:-1].reshape(6, M)
    s_x, s_y, rho = np.exp(s_x - bias) + 1e-3, np.exp(s_y - bias) + 1e-3, 0.999 * np.tanh(rho)
    covariances = np.moveaxis(np.array([[s_x**2, rho * s_x * s_y], [rho * s_x * s_y, s_y**2]]), -1, 0)
    return special.softmax(pi * (1 + bias)), np.stack([mu_x, mu_y], 1), covariances, special.expit(ys[-1])


def negative_log_likelihood(ys, movement):
    pi, mu, covariances, end = parameters(ys)
    logs = [stats.multivariate_normal(m, c).logpdf(movement[:2]) for m, c in zip(mu, covariances, strict=True)]
    return -special.logsumexp(logs, b=pi) - np.log(end if movement[2] == 1 else 1 - end)


def test_the_loss_is_the_likelihood_of_scipys_gaussians():
    ys, movements = RNG.normal(size=(5, 6, 6 * M + 1)), RNG.normal(size=(5, 6, 3))
    movements[..., 2] = RNG.integers(0, 2, (5, 6))
    true = [
        negative_log_likelihood(y, movement)
        for y, movement in zip(ys.reshape(30, -1), movements.reshape(30, 3), strict=True)
    ]
    found = jax.jit(PEN.loss)(ys, movements)
    assert found.dtype == jnp.float64
    np.testing.assert_allclose(np.ravel(found), true, rtol=1e-10)


def test_draws_have_the_moments_of_the_biased_mixture():
    ys, count = RNG.normal(size=6 * M + 1), 40_000
    for bias in (0.0, 1.5):
        drawn = np.asarray(jax.jit(PEN.draw)(jax.random.key(0), jnp.tile(ys, (count, 1)), bias))
        pi, mu, covariances, _ = parameters(ys, bias)
        mean = pi @ mu
        second = np.einsum("m,mij->ij", pi, covariances + np.einsum("mi,mj->mij", mu, mu))
        covariance = second - np.outer(mean, mean)
        error = np.sqrt(np.diag(covariance) / count)
        np.testing.assert_array_less(np.abs(drawn[:, :2].mean(axis=0) - mean), 4 * error)
        np.testing.assert_allclose(np.cov(drawn[:, :2].T), covariance, atol=0.05 * np.trace(covariance))
        ends = special.expit(ys[-1])  # the bias leaves the ends as they are
        assert abs(drawn[:, 2].mean() - ends) < 4 * np.sqrt(ends * (1 - ends) / count)
        assert set(drawn[:, 2]) <= {0.0, 1.0}


def test_constant_outputs_are_one_gaussian():
    mean, covariance = np.array([0.3, -0.2]), np.array([[0.8, -0.3], [-0.3, 0.5]])
    ys = np.asarray(PEN.constant(mean, covariance, 0.1))
    movement = np.array([0.5, 0.4, 1.0])
    true = -stats.multivariate_normal(mean, covariance).logpdf(movement[:2]) - np.log(0.1)
    np.testing.assert_allclose(PEN.loss(ys, movement), true, rtol=1e-6)


def test_gradients_are_finite_at_the_limits_of_the_outputs():
    for size in (-60.0, 60.0):
        ys = jnp.full(6 * M + 1, size, jnp.float32)
        for movement in ([0.0, 0.0, 1.0], [50.0, 50.0, 0.0]):
            gradient = jax.grad(lambda ys, movement=movement: PEN.loss(ys, jnp.array(movement, jnp.float32)))(ys)
            assert np.isfinite(gradient).all()
