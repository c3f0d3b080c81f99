"""The contract of an output distribution; `jaxrnn.distributions` has one per file.

Shapes: n values, each described by p of a network's outputs, ys [..., p n].
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from jaxtyping import Array, Float, PRNGKeyArray


class OfValues(Protocol):
    """Computes one number for each value, such as its loss."""

    def __call__(self, ys: Float[Array, "*s pn"], values: Float[Array, "*s n"], /) -> Float[Array, "*s n"]: ...


class Quantile(Protocol):
    """Computes the quantiles at q, a number in (0, 1) or an array [..., n]."""

    def __call__(self, ys: Float[Array, "*s pn"], q: Any, /) -> Float[Array, "*s n"]: ...


class Draw(Protocol):
    """Draws one random value from each distribution."""

    def __call__(self, key: PRNGKeyArray, ys: Float[Array, "*s pn"], /) -> Float[Array, "*s n"]: ...


class Around(Protocol):
    """Returns the outputs of distributions around point forecasts with errors of size `spread`."""

    def __call__(self, points: Float[Array, "*s n"], spread: Float[Array, " n"], /) -> Float[Array, "*s pn"]: ...


class Distribution(NamedTuple):
    """The distribution of each of n values, described by the outputs of a network.

    The outputs ys [..., p n] hold p parameters for each of the n values: the first parameter of all values, then the
    second, and so on. The first parameter is the location; a number added to it shifts the distribution.

    Fields:
      size: p, the number of parameters per value.
      loss_name: name of the loss in tables and figures.
      loss: computes the loss that training minimizes.
      quantile: computes quantiles. The median is the point forecast.
      cdf: computes the probability of a value at most this large.
      draw: draws random values.
      crps: computes the continuous ranked probability score (Gneiting & Raftery 2007, eq. 20), the integral of
        (cdf(z) - [z >= value])^2 over z; |value - point| for a point.
      around: returns the outputs for point forecasts with errors of size `spread`.
      counts: whether the values are counts, in units of `scale` counts.
      scaled: (scale) -> the same distribution in units of `scale` counts; None if the values are not counts.
    """

    size: int
    loss_name: str
    loss: OfValues
    quantile: Quantile
    cdf: OfValues
    draw: Draw
    crps: OfValues
    around: Around
    counts: bool = False
    scaled: Callable[[Any], "Distribution"] | None = None

    def median(self, ys: Any) -> Any:
        """The point forecast [..., n]."""
        return self.quantile(ys, 0.5)
