"""Point forecast: the outputs are the values, trained with the squared error."""

import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.distribution import Distribution


@checked
def distribution() -> Distribution:
    """The output is the forecast; the loss is (y - value)^2."""
    return Distribution(
        size=1,
        loss_name="mean squared error",
        loss=lambda ys, values: (ys - values) ** 2,
        quantile=lambda ys, q: ys,
        cdf=lambda ys, values: 1.0 * (values >= ys),
        draw=lambda key, ys: ys,
        crps=lambda ys, values: jnp.abs(ys - values),
        around=lambda points, spread: jnp.asarray(points),
    )
