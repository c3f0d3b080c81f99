"""Quantiles: the values at some levels, straight lines between them, learned by the pinball loss."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from jaxrnn.distributions._contract import FLOOR, Distribution, joined, positive, raw_of, split


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
        """The quantiles [count, ..., n]."""
        median, *raw = split(ys, count)
        steps = [positive(each) for each in raw]
        found = {middle: median}
        for k in range(middle, count - 1):
            found[k + 1] = found[k] + steps[k]
        for k in range(middle, 0, -1):
            found[k - 1] = found[k] - steps[k - 1]
        return jnp.stack([found[k] for k in range(count)])

    def loss(ys, values):
        error = values - read(ys)
        q = levels.reshape(-1, *[1] * values.ndim).astype(error.dtype)
        return jnp.mean(2 * jnp.maximum(q * error, (q - 1) * error), axis=0)

    def quantile(ys, q):
        at = read(ys)
        shares = [jnp.clip((q - levels[k]) / (levels[k + 1] - levels[k]), 0, 1) for k in range(count - 1)]
        return at[0] + sum((at[k + 1] - at[k]) * shares[k] for k in range(count - 1))

    def cdf(ys, values):
        at = read(ys)
        inside = sum((levels[k + 1] - levels[k]) * jnp.clip((values - at[k]) / (at[k + 1] - at[k]), 0, 1)
                     for k in range(count - 1))  # fmt: skip
        return levels[0] * (values >= at[0]) + inside + (1 - levels[-1]) * (values >= at[-1])

    def crps(ys, values):
        at = read(ys)
        total = jnp.maximum(at[0] - values, 0) + jnp.maximum(values - at[-1], 0)
        for k in range(count - 1):
            share = jnp.clip((values - at[k]) / (at[k + 1] - at[k]), 0, 1)  # of the piece below the value
            low, high = levels[k], levels[k + 1]
            here = low + (high - low) * share
            below = share * (low**2 + low * here + here**2)
            above = (1 - share) * ((1 - here) ** 2 + (1 - here) * (1 - high) + (1 - high) ** 2)
            total += (at[k + 1] - at[k]) * (below + above) / 3
        return total

    def around(points, spread):
        return joined(jnp.asarray(points), *(raw_of(jnp.maximum(gap * spread, 2 * FLOOR)) for gap in gaps))

    return Distribution(
        size=count,
        loss_name="pinball loss",
        loss=loss,
        quantile=quantile,
        cdf=cdf,
        draw=lambda key, ys: quantile(ys, jax.random.uniform(key, split(ys, count)[0].shape, ys.dtype)),
        crps=crps,
        around=around,
    )
