"""Regularizers: terms that are minimised together with the loss, such as gradient flossing (Engelken 2023)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn import dynamics
from jaxrnn.arguments import checked
from jaxrnn.errors import ConfigError
from jaxrnn.training.batches import valid_inputs
from jaxrnn.types import NonNegative, NonNegativeInt, Size


@checked
def flossing(exponents: Size, before: NonNegativeInt = 0, weight: NonNegative = 1.0) -> Callable[..., Any]:
    """Gradient flossing: pushes Lyapunov exponents towards zero, so that gradients neither vanish nor explode.

    The regularizer is the mean square of the largest exponents, measured along the first sequence of a batch on each
    device.

    Args:
      exponents: k, the number of exponents.
      before: number of first updates that minimise only the regularizer. The loss is still reported.
      weight: weight of the regularizer in the later updates, which minimise loss + weight * regularizer.

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
            lam = dynamics.lyapunov(f, z_0, valid_inputs(batch)[:, 0], exponents).lam
            return (jnp.mean(lam**2) * share).astype(loss.dtype)

        if isinstance(weight, (int, float)) and weight == 0:  # later updates need not compute the exponents
            return jax.lax.cond(step < before, squared, lambda: loss)
        value = squared()
        return jnp.where(step < before, value, loss + weight * value)

    return objective
