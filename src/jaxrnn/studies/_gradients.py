"""The loss of a batch as a function of the params, and the distance of a gradient from the exact one."""

from typing import Any

import jax.numpy as jnp
import optax

from jaxrnn.losses import weighted_sum
from jaxrnn.norms import tree_norm, unit
from jaxrnn.types import Batch, Dataset, Net


def loss_of(net: Net, dataset: Dataset, batch: Batch) -> Any:
    """Returns the function params -> mean loss of a batch of arrays or of a `Pair`."""
    xs: Any = batch.xs

    def loss(params):
        _, ys = net.apply(params, net.initial(params, batch.fresh.shape), xs, mask=batch.mask, reset=batch.reset)
        total, weight = weighted_sum(dataset.loss, ys, batch.targets, batch.weights)
        return total / weight

    return loss


def compare_gradients(full, cut):
    """Returns (cosine, ratio of norms) [2] of a gradient relative to the full one, pytrees of the same shapes."""
    size = tree_norm(full)
    ratio = tree_norm(cut) / jnp.where(size > 0, size, 1.0)
    return jnp.stack([optax.tree.vdot(unit(full), unit(cut)), ratio])
