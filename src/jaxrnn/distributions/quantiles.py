"""Quantiles: the values at some levels, straight lines between them, learned by the pinball loss."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from jaxrnn.arguments import checked
from jaxrnn.distributions._contract import FLOOR, Distribution, joined, positive, raw_of, split


@checked
def distribution(levels: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)) -> Distribution:
    """The quantiles at `levels`, the distances between neighbours as softplus of outputs, so that none cross.

    Koenker & Bassett 1978; the loss is the mean over the levels of 2 (q - [value < Q_q]) (value - Q_q). Beyond the
    outermost quantiles there is no value: the rest of the probability lies on them.

    Args:
      levels: rising, an odd number of them, 0.5 in the middle.

    Raises:
      ValueError: if they are not.
    """
    levels = np.asarray(levels, float)
    middle, count = len(levels) // 2, len(levels)
    if count % 2 == 0 or levels[middle] != 0.5 or (np.diff(levels) <= 0).any() or levels[0] <= 0 or levels[-1] >= 1:
        raise ValueError(f"data.distribution.levels={levels.tolist()}: give rising levels in (0, 1), 0.5 in the middle")
    gaps = np.diff(norm.ppf(levels))  # of neighbours, in standard deviations

    def read(ys):
        return _read(ys, count)

    def loss(ys, values):
        error = values - read(ys)
        q = levels.reshape(-1, *[1] * values.ndim).astype(error.dtype)
        return jnp.mean(2 * jnp.maximum(q * error, (q - 1) * error), axis=0)

    def draw(key, ys):
        at = read(ys)
        return _quantile(at, levels, jax.random.uniform(key, at[0].shape, ys.dtype))

    def around(points, spread):
        return joined(jnp.asarray(points), *(raw_of(jnp.maximum(gap * spread, 2 * FLOOR)) for gap in gaps))

    return Distribution(
        size=count,
        loss_name="pinball loss",
        loss=loss,
        quantile=lambda ys, q: _quantile(read(ys), levels, q),
        cdf=lambda ys, values: _cdf(read(ys), levels, values),
        draw=draw,
        crps=lambda ys, values: _crps(read(ys), levels, values),
        around=around,
    )


def _read(ys, count):
    """The quantiles [count, ..., n] of outputs: the median, then the distances between neighbours from the lowest."""
    median, *raw = split(ys, count)
    steps, middle = [positive(each) for each in raw], count // 2
    found = {middle: median}
    for k in range(middle, count - 1):
        found[k + 1] = found[k] + steps[k]
    for k in range(middle, 0, -1):
        found[k - 1] = found[k] - steps[k - 1]
    return jnp.stack([found[k] for k in range(count)])


def _quantile(at, levels, q):
    pieces = zip(at[:-1], at[1:], levels[:-1], levels[1:], strict=True)
    return at[0] + sum((b - a) * jnp.clip((q - low) / (high - low), 0, 1) for a, b, low, high in pieces)


def _cdf(at, levels, values):
    pieces = zip(at[:-1], at[1:], np.diff(levels), strict=True)
    inside = sum(step * jnp.clip((values - a) / (b - a), 0, 1) for a, b, step in pieces)
    return levels[0] * (values >= at[0]) + inside + (1 - levels[-1]) * (values >= at[-1])


def _crps(at, levels, values):
    """The integral piece by piece: the cdf is linear on each, below the value it counts itself, above what it lacks."""
    total = jnp.maximum(at[0] - values, 0) + jnp.maximum(values - at[-1], 0)
    for a, b, low, high in zip(at[:-1], at[1:], levels[:-1], levels[1:], strict=True):
        share = jnp.clip((values - a) / (b - a), 0, 1)  # of the piece below the value
        here = low + (high - low) * share
        below = share * (low**2 + low * here + here**2)
        above = (1 - share) * ((1 - here) ** 2 + (1 - here) * (1 - high) + (1 - high) ** 2)
        total += (b - a) * (below + above) / 3
    return total
