"""The contract of a distribution, and functions that several distributions share."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

FLOOR = 1e-3  # smallest scale, in the network's units


class Distribution(NamedTuple):
    """The distribution of each of n values, described by the outputs of a network.

    The outputs ys [..., p n] hold p parameters for each of the n values: the first parameter of all values, then the
    second, and so on. The first parameter is the location; a number added to it shifts the distribution.

    Fields:
      size: p, the number of parameters per value.
      loss_name: name of the loss in tables and figures.
      loss: (ys [..., p n], values [..., n]) -> [..., n], the loss that training minimizes.
      quantile: (ys, q) -> [..., n]; q is a number in (0, 1) or an array [..., n]. The median is the point forecast.
      cdf: (ys, values) -> [..., n], the probability of a value at most this large.
      draw: (key, ys) -> [..., n], random values.
      crps: (ys, values) -> [..., n], the continuous ranked probability score (Gneiting & Raftery 2007, eq. 20), the
        integral of (cdf(z) - [z >= value])^2 over z; |value - point| for a point.
      around: (points [..., n], spread [n]) -> ys [..., p n], the distribution around point forecasts with errors of
        size `spread`.
      counts: whether the values are counts, in units of `scale` counts.
      scaled: (scale) -> the same distribution in units of `scale` counts; None if the values are not counts.
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
    """Splits outputs [..., p n] into `size` = p parameters [..., n]."""
    return jnp.split(ys, size, axis=-1)


def join(*parameters):
    """Joins p parameters, broadcast to the shape [..., n] of the first, to outputs [..., p n]."""
    return jnp.concatenate([jnp.broadcast_to(parameter, parameters[0].shape) for parameter in parameters], axis=-1)


def positive(raw):
    """Maps an unbounded output to a scale above `FLOOR`."""
    return jax.nn.softplus(raw) + FLOOR


def raw_of(scale):
    """Inverse of `positive`: the output for a scale."""
    excess = jnp.maximum(jnp.asarray(scale, float) - FLOOR, 1e-6)
    return excess + jnp.log(-jnp.expm1(-excess))


def invert_cdf(cdf, q, low, high):
    """Inverts a cdf at q by 60 bisections between low and high."""

    def halve(_, bounds):
        low, high = bounds
        middle = 0.5 * (low + high)
        below = cdf(middle) < q
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, 60, halve, (low, high))
    return 0.5 * (low + high)
