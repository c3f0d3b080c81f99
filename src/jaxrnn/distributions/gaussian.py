"""Normal distribution; the outputs are its mean and, before a softplus, its standard deviation."""

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from jaxrnn.arguments import checked
from jaxrnn.distribution import Distribution
from jaxrnn.distributions._parameters import join, positive, raw_of, split


@checked
def distribution() -> Distribution:
    """N(mu, sigma^2); the loss is -ln p, in nats. CRPS: Gneiting & Raftery 2007, eq. 21."""

    def read(ys):
        mu, raw = split(ys, 2)
        return mu, positive(raw)

    def loss(ys, values):
        mu, sigma = read(ys)
        return -norm.logpdf(values, mu, sigma)

    def quantile(ys, q):
        mu, sigma = read(ys)
        return mu + sigma * norm.ppf(q)

    def cdf(ys, values):
        return norm.cdf(values, *read(ys))

    def draw(key, ys):
        mu, sigma = read(ys)
        return mu + sigma * jax.random.normal(key, mu.shape, mu.dtype)

    def crps(ys, values):
        mu, sigma = read(ys)
        z = (values - mu) / sigma
        return sigma * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / jnp.sqrt(jnp.pi))

    return Distribution(
        size=2,
        loss_name="negative log-likelihood (nats)",
        loss=loss,
        quantile=quantile,
        cdf=cdf,
        draw=draw,
        crps=crps,
        around=lambda points, spread: join(jnp.asarray(points), raw_of(spread)),
    )
