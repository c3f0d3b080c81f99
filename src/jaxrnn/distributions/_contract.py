"""What a distribution is, and what several of them share."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

FLOOR = 1e-3  # of a scale, in the units that the network sees


class Distribution(NamedTuple):
    """The distribution of each of n values, given by the outputs of a network.

    The outputs ys [..., p n] hold p parameters of the n values, the first parameter of all values first: the location,
    which may be shifted by adding to it.

    Fields:
      size: p.
      loss_name: what tables and figures call the loss.
      loss: (ys [..., p n], values [..., n]) -> [..., n], what training makes small.
      quantile: (ys, q) -> [..., n], q a number in (0, 1) or an array [..., n]; the median is the point forecast.
      cdf: (ys, values) -> [..., n], the probability of a value so small.
      draw: (key, ys) -> [..., n].
      crps: (ys, values) -> [..., n], the continuous ranked probability score (Gneiting & Raftery 2007, eq. 20), the
        integral of (cdf(z) - [z >= value])^2 over z; |value - point| for a point.
      around: (points [..., n], spread [n]) -> ys [..., p n], the distribution of forecasts that are off by `spread`.
      counts: whether the values are counts, in units of `scale` counts.
      scaled: scale -> the same distribution in units of so many counts; None where the values are no counts.
    """

    size: int
    loss_name: str
    loss: Callable[..., Any]
    quantile: Callable[..., Any]
    cdf: Callable[..., Any]
    draw: Callable[..., Any]
    crps: Callable[..., Any]
    around: Callable[..., Any]
    counts: bool = False
    scaled: Callable[..., Any] | None = None

    def median(self, ys: Any) -> Any:
        """The point forecast [..., n]."""
        return self.quantile(ys, 0.5)


def split(ys, size):
    """The parameters of a distribution: `size` arrays [..., n]."""
    return jnp.split(ys, size, axis=-1)


def joined(*parameters):
    """Outputs [..., p n] of p parameters [..., n], broadcast against the first."""
    return jnp.concatenate([jnp.broadcast_to(each, parameters[0].shape) for each in parameters], axis=-1)


def positive(raw):
    """A scale above `FLOOR` from an output without bounds."""
    return jax.nn.softplus(raw) + FLOOR


def raw_of(scale):
    """The output that `positive` makes this scale of."""
    rest = jnp.maximum(jnp.asarray(scale, float) - FLOOR, 1e-6)
    return rest + jnp.log(-jnp.expm1(-rest))


def inverted(cdf, q, low, high):
    """The values at which a cdf reaches q, by 60 bisections between low and high."""

    def halve(_, bounds):
        low, high = bounds
        middle = 0.5 * (low + high)
        below = cdf(middle) < q
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, 60, halve, (low, high))
    return 0.5 * (low + high)
