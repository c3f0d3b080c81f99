"""Mixture density of pen movements (Graves 2013, section 4.1): two-dimensional Gaussians, and the end of a stroke."""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.distributions._parameters import FLOOR
from jaxrnn.strokes import PenDistribution
from jaxrnn.types import Size

MAX_CORRELATION = 0.999


@checked
def mixture(components: Size = 20) -> PenDistribution:
    """Mixture of `components` Gaussians of (dx, dy), times a Bernoulli distribution of the end; the loss is in nats.

    The 6 M + 1 outputs hold, for M components, pi, mu_x, mu_y, sigma_x, sigma_y and rho before a softmax (pi), an
    exponential (sigma) and a tanh (rho), as in eqs. 18-22, then the logit of an end. Other than there, sigma is above
    0.001 and |rho| below 0.999, because the density has no limit if points repeat or lie on a line.

    Drawn with a bias b, sigma is exp(output - b) and pi softmax(output (1 + b)) (eqs. 61-62).
    """

    def read(ys, bias=0.0):
        pi, mu_x, mu_y, s_x, s_y, rho = jnp.split(ys[..., :-1], 6, axis=-1)
        sigmas = jnp.exp(s_x - bias) + FLOOR, jnp.exp(s_y - bias) + FLOOR
        return jax.nn.log_softmax(pi * (1 + bias)), (mu_x, mu_y), sigmas, MAX_CORRELATION * jnp.tanh(rho), ys[..., -1]

    def loss(ys, movements):
        log_pi, (mu_x, mu_y), (s_x, s_y), rho, end = read(ys)
        dx, dy = (movements[..., 0:1] - mu_x) / s_x, (movements[..., 1:2] - mu_y) / s_y
        free = 1 - rho**2
        distance = (dx**2 + dy**2 - 2 * rho * dx * dy) / free
        log_density = -0.5 * (distance + jnp.log(free)) - jnp.log(2 * jnp.pi) - jnp.log(s_x) - jnp.log(s_y)
        log_end = jax.nn.log_sigmoid(jnp.where(movements[..., 2] > 0.5, end, -end))
        return -jax.nn.logsumexp(log_pi + log_density, axis=-1) - log_end

    def draw(key, ys, bias=0.0):
        log_pi, mu, sigmas, rho, end = read(ys, bias)
        key_pi, key_xy, key_end = jax.random.split(key, 3)
        chosen = jax.random.categorical(key_pi, log_pi)[..., None]
        mu_x, mu_y, s_x, s_y, rho = (jnp.take_along_axis(each, chosen, axis=-1)[..., 0] for each in (*mu, *sigmas, rho))
        a, b = jax.random.normal(key_xy, (2, *mu_x.shape), ys.dtype)
        dx, dy = mu_x + s_x * a, mu_y + s_y * (rho * a + jnp.sqrt(1 - rho**2) * b)
        return jnp.stack([dx, dy, jax.random.bernoulli(key_end, jax.nn.sigmoid(end)).astype(ys.dtype)], axis=-1)

    def constant(mean, covariance, rate):
        s_x, s_y = jnp.sqrt(covariance[0, 0]), jnp.sqrt(covariance[1, 1])
        rho = jnp.clip(covariance[0, 1] / (s_x * s_y) / MAX_CORRELATION, -0.999, 0.999)
        logs = (jnp.log(jnp.maximum(s - FLOOR, FLOOR)) for s in (s_x, s_y))
        numbers = (0.0, mean[0], mean[1], *logs, jnp.arctanh(rho))
        logit = jnp.log(rate) - jnp.log1p(-rate)
        return jnp.concatenate([jnp.full(components, number, float) for number in numbers] + [jnp.full(1, logit)])

    return PenDistribution(6 * components + 1, "negative log-likelihood (nats)", loss, draw, constant)
