"""A net as it is trained on a data set: for one target per sequence, and around a forecast."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.nets.layers import masked
from jaxrnn.types import Dataset, Net, Plain


def adapted(net: Net, dataset: Dataset) -> Net:
    """The net as it is trained and loaded with a data set; most nets stay as they are.

    With one target per sequence a layer in both directions hands on the backward direction's output at the first step,
    as Keras does with `return_sequences=False`. With an `anchor` the net's outputs are added to a forecast.
    """
    if dataset.targets == "per_sequence" and net.many_to_one is not None:
        net = net.many_to_one()
    return anchored(net, dataset)


class AnchoredParams(NamedTuple):
    net: Any
    alpha: jax.Array  # [K']


def anchored(net: Net, dataset: Dataset) -> Net:
    """The net whose first outputs are added to the forecast that the data set's `anchor` makes of what is read.

    They are multiplied by a learned factor that begins at zero (ReZero, Bachlechner et al. 2021), so that the net
    begins as the anchor: ys[..., :K'] = anchor(xs) + alpha net(xs)[..., :K'], the other outputs as they are. A data set
    without an anchor leaves the net as it is.
    """
    if dataset.anchor is None:
        return net

    def width(input_size):
        x = jax.ShapeDtypeStruct((1, 1, input_size), float)
        return jax.eval_shape(dataset.anchor, x).shape[-1]

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        carry, ys = net.apply(params.net, carry, xs, mask=mask, reset=reset, key=key)
        known = masked(dataset.anchor(masked(xs, mask)), mask).astype(ys.dtype)
        count = known.shape[-1]
        return carry, jnp.concatenate(
            [known + params.alpha.astype(ys.dtype) * ys[..., :count], ys[..., count:]], axis=-1
        )

    plain = net.plain
    if plain is not None:
        own = plain.weights
        plain = Plain(anchored(plain.net, dataset), lambda params: params._replace(net=own(params.net)))
    return net._replace(
        init=lambda key, input_size: AnchoredParams(net.init(key, input_size), jnp.zeros(width(input_size))),
        initial=lambda params, batch_shape: net.initial(params.net, batch_shape),
        apply=apply,
        unrolled=lambda unroll: anchored(net.unrolled(unroll), dataset),
        plain=plain,
        many_to_one=None if net.many_to_one is None else lambda: anchored(net.many_to_one(), dataset),
    )
