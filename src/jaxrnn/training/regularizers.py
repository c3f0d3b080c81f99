"""Regularizers: what is minimised beside the loss. Gradient flossing (Engelken 2023) is one."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn import dynamics
from jaxrnn.arguments import checked
from jaxrnn.errors import ConfigError
from jaxrnn.types import NonNegative, NonNegativeInt, Size


@checked
def flossing(exponents: Size, before: NonNegativeInt = 0, weight: NonNegative = 1.0) -> Callable[..., Any]:
    """Gradient flossing, which pushes Lyapunov exponents to zero, so that gradients neither vanish nor explode:
    the mean square of the largest exponents, along the first sequence of a batch on each device.

    Args:
      exponents: k, how many.
      before: first updates, which follow the exponents alone; the loss is reported all the same.
      weight: of the mean square beside the loss, in the updates after them.

    Raises:
      ConfigError: when first used, if the network reads the future or has fewer exponents.
    """

    def objective(net, params, loss, batch, step, share):
        if not net.causal:
            raise ConfigError("flossing needs a network that does not read the future; this one is bidirectional")
        f, z_0 = dynamics.as_map(net, params)
        if exponents > z_0.size:
            raise ConfigError(f"regularizer.exponents={exponents}: this network has {z_0.size} Lyapunov exponents")

        def squared():
            lam = dynamics.lyapunov(f, z_0, batch.xs[:, 0], exponents).lam
            return (jnp.mean(lam**2) * share).astype(loss.dtype)

        if isinstance(weight, (int, float)) and weight == 0:  # the exponents are not computed after the first updates
            return jax.lax.cond(step < before, squared, lambda: loss)
        value = squared()
        return jnp.where(step < before, value, loss + weight * value)

    return objective
