"""Negative binomial distribution for counts; the outputs are, before a softplus, its mean and its dispersion."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betainc, gammaln

from jaxrnn.arguments import checked
from jaxrnn.distribution import Distribution
from jaxrnn.distributions._parameters import invert_cdf, join, positive, raw_of, split

LEVELS = (np.arange(200) + 0.5) / 200  # quantile levels of the sum that approximates the CRPS
MAX_COUNT = 2.0**31


@checked
def distribution(scale: float = 1.0) -> Distribution:
    """Distribution of counts, mean m and variance m + a m^2 (Salinas et al. 2020, section 3.1); loss -ln p, in nats.

    The CRPS is the mean over 200 levels of twice the pinball loss of the quantiles (Gneiting & Ranjan 2011).

    Args:
      scale: number of counts per unit of the network's values; the data set sets it.
    """

    def read(ys):
        """Returns the mean m and r = 1 / a, in counts."""
        mean, dispersion = split(ys, 2)
        return scale * positive(mean), 1 / positive(dispersion)

    def loss(ys, values):
        (mean, r), k = read(ys), jnp.round(values * scale)
        log_binomial = gammaln(k + r) - gammaln(k + 1) - gammaln(r)
        return -(log_binomial + r * jnp.log(r / (r + mean)) + k * jnp.log(mean / (r + mean)))

    def cdf(ys, values):
        return _cdf(jnp.floor(values * scale + 1e-6), *read(ys))

    def quantile(ys, q):
        mean, r = read(ys)
        low, high = jnp.full_like(mean, -1.0), jnp.full_like(mean, MAX_COUNT)
        count = invert_cdf(lambda k: _cdf(jnp.floor(k), mean, r), q, low, high)
        return jnp.floor(count + 1e-3) / scale

    def draw(key, ys):
        (mean, r), (key_rate, key_count) = read(ys), jax.random.split(key)
        rate = jax.random.gamma(key_rate, r, mean.shape, mean.dtype) * mean / r
        return jax.random.poisson(key_count, rate).astype(ys.dtype) / scale

    def around(points, spread):
        mean = jnp.maximum(jnp.asarray(points) * scale, 1e-2)
        dispersion = jnp.maximum((jnp.asarray(spread) * scale) ** 2 - mean, 0) / mean**2
        return join(raw_of(mean / scale), raw_of(dispersion))

    return Distribution(
        size=2,
        loss_name="negative log-likelihood (nats)",
        loss=loss,
        quantile=quantile,
        cdf=cdf,
        draw=draw,
        crps=lambda ys, values: _crps(quantile, ys, values),
        around=around,
        counts=True,
        scaled=distribution,
    )


def _cdf(k, mean, r):
    return jnp.where(k < 0, 0.0, betainc(r, jnp.maximum(k, 0) + 1, r / (r + mean)))


def _crps(quantile, ys, values):
    def pinball(q):
        error = values - quantile(ys, q)
        return 2 * jnp.maximum(q * error, (q - 1) * error)

    return jnp.mean(jax.lax.map(pinball, jnp.asarray(LEVELS, ys.dtype)), axis=0)
