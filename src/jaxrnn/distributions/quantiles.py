"""Quantiles at given levels, trained with the pinball loss; the quantile function is linear between them."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from jaxrnn.arguments import checked
from jaxrnn.distribution import Distribution
from jaxrnn.distributions._parameters import FLOOR, join, positive, raw_of, split


@checked
def distribution(levels: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)) -> Distribution:
    """Distribution given by its quantiles at `levels` (Koenker & Bassett 1978).

    The outputs are the median and, before a softplus, the distances between neighbours, so quantiles never cross. The
    loss is the mean over the levels of 2 (q - [value < Q_q]) (value - Q_q). No value lies outside the outermost
    quantiles; the remaining probability lies on them.

    Args:
      levels: an odd number of rising levels in (0, 1), with 0.5 in the middle.

    Raises:
      ValueError: if the levels are not of this kind.
    """
    qs = np.asarray(levels, float)
    middle, count = len(qs) // 2, len(qs)
    if count % 2 == 0 or qs[middle] != 0.5 or (np.diff(qs) <= 0).any() or qs[0] <= 0 or qs[-1] >= 1:
        raise ValueError(
            f"data.distribution.levels={qs.tolist()}: expected rising levels in (0, 1) with 0.5 in the middle"
        )
    gaps = np.diff(norm.ppf(qs))  # between neighbours, in standard deviations

    def read(ys):
        return _read(ys, count)

    def loss(ys, values):
        error = values - read(ys)
        q = qs.reshape(-1, *[1] * values.ndim).astype(error.dtype)
        return jnp.mean(2 * jnp.maximum(q * error, (q - 1) * error), axis=0)

    def draw(key, ys):
        quantiles = read(ys)
        return _quantile(quantiles, qs, jax.random.uniform(key, quantiles[0].shape, ys.dtype))

    def around(points, spread):
        return join(jnp.asarray(points), *(raw_of(jnp.maximum(gap * spread, 2 * FLOOR)) for gap in gaps))

    return Distribution(
        size=count,
        loss_name="pinball loss",
        loss=loss,
        quantile=lambda ys, q: _quantile(read(ys), qs, q),
        cdf=lambda ys, values: _cdf(read(ys), qs, values),
        draw=draw,
        crps=lambda ys, values: _crps(read(ys), qs, values),
        around=around,
    )


def _read(ys, count):
    """Returns the quantiles [count, ..., n] of outputs: the median, then the distances from the lowest quantile up."""
    median, *raw = split(ys, count)
    steps, middle = [positive(output) for output in raw], count // 2
    quantiles = {middle: median}
    for k in range(middle, count - 1):
        quantiles[k + 1] = quantiles[k] + steps[k]
    for k in range(middle, 0, -1):
        quantiles[k - 1] = quantiles[k] - steps[k - 1]
    return jnp.stack([quantiles[k] for k in range(count)])


def _quantile(quantiles, levels, q):
    pieces = zip(quantiles[:-1], quantiles[1:], levels[:-1], levels[1:], strict=True)
    return quantiles[0] + sum((b - a) * jnp.clip((q - low) / (high - low), 0, 1) for a, b, low, high in pieces)


def _cdf(quantiles, levels, values):
    pieces = zip(quantiles[:-1], quantiles[1:], np.diff(levels), strict=True)
    inside = sum(step * jnp.clip((values - a) / (b - a), 0, 1) for a, b, step in pieces)
    return levels[0] * (values >= quantiles[0]) + inside + (1 - levels[-1]) * (values >= quantiles[-1])


def _crps(quantiles, levels, values):
    """Integrates cdf^2 below the value and (1 - cdf)^2 above it, piece by piece; the cdf is linear on each piece."""
    total = jnp.maximum(quantiles[0] - values, 0) + jnp.maximum(values - quantiles[-1], 0)
    for a, b, low, high in zip(quantiles[:-1], quantiles[1:], levels[:-1], levels[1:], strict=True):
        share = jnp.clip((values - a) / (b - a), 0, 1)  # part of the piece that lies below the value
        level = low + (high - low) * share
        below = share * (low**2 + low * level + level**2)
        above = (1 - share) * ((1 - level) ** 2 + (1 - level) * (1 - high) + (1 - high) ** 2)
        total += (b - a) * (below + above) / 3
    return total
