"""Adapts a net to a data set: to one target per sequence, or to outputs added to a forecast."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.nets._wrapping import rewrapped_inside
from jaxrnn.nets.layers import masked
from jaxrnn.types import Dataset, Net, Params


def adapted(net: Net, dataset: Dataset) -> Net:
    """Returns the net in the form in which it is trained on a data set; most nets stay the same.

    - With one target per sequence, a bidirectional layer outputs the backward direction's value at the first step, as
      Keras does with `return_sequences=False`.
    - With an `anchor` of the series, the net's outputs are added to a forecast (see `anchored`).
    """
    if dataset.targets == "per_sequence" and net.many_to_one is not None:
        net = net.many_to_one()
    return anchored(net, dataset)


class AnchoredParams(NamedTuple):
    net: Params
    alpha: jax.Array  # [K']


def anchored(net: Net, dataset: Dataset) -> Net:
    """Adds the net's first K' outputs to the forecast of the `anchor` of the data set's series.

    ys[..., :K'] = anchor(xs) + alpha net(xs)[..., :K'], and the other outputs stay the same. The learned factor alpha
    begins at zero (ReZero, Bachlechner et al. 2021), so an untrained net gives the anchor's forecast. If the data set
    has no anchor, the net stays the same.
    """
    anchor = None if dataset.series is None else dataset.series.anchor
    if anchor is None:
        return net

    def width(input_size):
        return jax.eval_shape(lambda: anchor(jnp.zeros((1, 1, input_size)))).shape[-1]

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        carry, ys = net.apply(params.net, carry, xs, mask=mask, reset=reset, key=key)
        forecast = masked(anchor(masked(xs, mask)), mask).astype(ys.dtype)
        count = forecast.shape[-1]
        return carry, jnp.concatenate(
            [forecast + params.alpha.astype(ys.dtype) * ys[..., :count], ys[..., count:]], axis=-1
        )

    def init(key, input_size):
        return AnchoredParams(net.init(key, input_size), jnp.zeros(width(input_size)))

    return rewrapped_inside(net, lambda other: anchored(other, dataset), init=init, apply=apply)
