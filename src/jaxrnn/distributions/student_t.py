"""Student's t distribution, for heavy tails; the outputs are its location, scale and degrees of freedom."""

import jax
import jax.numpy as jnp
from jax.scipy.special import betainc, betaln
from jax.scipy.stats import t as student

from jaxrnn.arguments import checked
from jaxrnn.distribution import Distribution
from jaxrnn.distributions._parameters import invert_cdf, join, positive, raw_of, split

TAILS = 8.0  # degrees of freedom minus 2 of the distribution around a baseline's forecast


@checked
def distribution() -> Distribution:
    """Distribution of mu + sigma t_nu with nu = 2 + softplus(output); the loss is -ln p, in nats.

    CRPS: Jordan, Krueger & Lerch 2019, appendix A.
    """

    def read(ys):
        mu, raw, tails = split(ys, 3)
        return mu, positive(raw), 2 + positive(tails)

    def loss(ys, values):
        mu, sigma, nu = read(ys)
        return -student.logpdf(values, nu, mu, sigma)

    def quantile(ys, q):
        mu, sigma, nu = read(ys)
        if isinstance(q, float) and q == 0.5:
            return mu
        far = jnp.full_like(mu, 1e4)
        return mu + sigma * invert_cdf(lambda z: _cdf(z, nu), q, -far, far)

    def cdf(ys, values):
        mu, sigma, nu = read(ys)
        return _cdf((values - mu) / sigma, nu)

    def draw(key, ys):
        mu, sigma, nu = read(ys)
        return mu + sigma * jax.random.t(key, nu, mu.shape, mu.dtype)

    def crps(ys, values):
        mu, sigma, nu = read(ys)
        z = (values - mu) / sigma
        spread = jnp.exp(betaln(0.5, nu - 0.5) - 2 * betaln(nu / 2, 0.5))
        tails = 2 * jnp.exp(student.logpdf(z, nu)) * (nu + z**2) / (nu - 1)
        return sigma * (z * (2 * _cdf(z, nu) - 1) + tails - 2 * jnp.sqrt(nu) / (nu - 1) * spread)

    def around(points, spread):
        scale = jnp.asarray(spread, float) * jnp.sqrt(TAILS / (TAILS + 2))  # the variance is scale^2 nu / (nu - 2)
        return join(jnp.asarray(points), raw_of(scale), raw_of(TAILS))

    return Distribution(
        size=3,
        loss_name="negative log-likelihood (nats)",
        loss=loss,
        quantile=quantile,
        cdf=cdf,
        draw=draw,
        crps=crps,
        around=around,
    )


def _cdf(z, nu):
    tail = 0.5 * betainc(nu / 2, 0.5, nu / (nu + z**2))
    return jnp.where(z > 0, 1 - tail, tail)
