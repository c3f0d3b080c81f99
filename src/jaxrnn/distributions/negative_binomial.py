"""A negative binomial distribution, for counts: its mean and its dispersion as softplus of outputs."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betainc, gammaln

from jaxrnn.arguments import checked
from jaxrnn.distributions._contract import Distribution, inverted, joined, positive, raw_of, split

LEVELS = (np.arange(200) + 0.5) / 200  # of the sum that stands for the CRPS's integral
MOST = 2.0**31  # counts


@checked
def distribution(scale: float = 1.0) -> Distribution:
    """Counts with mean m and variance m + a m^2 (Salinas et al. 2020, section 3.1); the loss is -ln p, in nats.

    The CRPS is the mean over 200 levels of twice the pinball loss of the quantiles (Gneiting & Ranjan 2011).

    Args:
      scale: counts a unit of the values that the network sees; the data set says it.
    """

    def read(ys):
        """(m, r = 1 / a), both in counts."""
        mean, dispersion = split(ys, 2)
        return scale * positive(mean), 1 / positive(dispersion)

    def loss(ys, values):
        (mean, r), k = read(ys), jnp.round(values * scale)
        chance = gammaln(k + r) - gammaln(k + 1) - gammaln(r)
        return -(chance + r * jnp.log(r / (r + mean)) + k * jnp.log(mean / (r + mean)))

    def cdf(ys, values):
        return _cdf(jnp.floor(values * scale + 1e-6), *read(ys))

    def quantile(ys, q):
        mean, r = read(ys)
        low, high = jnp.full_like(mean, -1.0), jnp.full_like(mean, MOST)
        found = inverted(lambda k: _cdf(jnp.floor(k), mean, r), q, low, high)
        return jnp.floor(found + 1e-3) / scale

    def draw(key, ys):
        (mean, r), (key_rate, key_count) = read(ys), jax.random.split(key)
        rate = jax.random.gamma(key_rate, r, mean.shape, mean.dtype) * mean / r
        return jax.random.poisson(key_count, rate).astype(ys.dtype) / scale

    def around(points, spread):
        mean = jnp.maximum(jnp.asarray(points) * scale, 1e-2)
        dispersion = jnp.maximum((jnp.asarray(spread) * scale) ** 2 - mean, 0) / mean**2
        return joined(raw_of(mean / scale), raw_of(dispersion))

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
