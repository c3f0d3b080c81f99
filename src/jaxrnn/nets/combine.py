"""Nets made from nets: in series, with a skip connection, in both directions, or only at the last step."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.keys import fold_in
from jaxrnn.nets._arguments import check_both, check_carries
from jaxrnn.nets._wrapping import explicit_weights_of_parts, rewrapped
from jaxrnn.nets.layers import masked
from jaxrnn.types import Net, Params

MERGES = {  # (outputs of the forward direction, outputs of the backward direction) -> merged outputs
    "concat": lambda a, b: jnp.concatenate([a, b], axis=-1),
    "sum": jnp.add,
    "mul": jnp.multiply,
    "ave": lambda a, b: (a + b) / 2,
}


@checked
def serial(*nets: Net) -> Net:
    """Applies one net after the other; params and carries are tuples with one entry per net.

    `Net.attention` is the one of the first net that has attention.
    """

    def init(key, input_size):
        params = []
        for net, net_key in zip(nets, jax.random.split(key, len(nets)), strict=True):
            params.append(net.init(net_key, input_size))
            input_size = net.width(input_size)
        return tuple(params)

    def width(input_size):
        for net in nets:
            input_size = net.width(input_size)
        return input_size

    def initial(params, batch_shape):
        return tuple(net.initial(p, batch_shape) for net, p in zip(nets, params, strict=True))

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        check_carries(nets, carry)
        carries, steps = [], xs.shape[0]
        for index, (net, p, c) in enumerate(zip(nets, params, carry, strict=True)):
            c, xs = net.apply(p, c, xs, mask=mask, reset=reset, key=fold_in(key, index))
            carries.append(c)
            if xs.shape[0] != steps:  # the net has reduced the steps to one output, so the mask no longer applies
                mask = reset = None
        return tuple(carries), xs

    recurrent = [index for index, net in enumerate(nets) if net.many_to_one is not None]

    def many_to_one():  # changes only the last recurrent layer: the others pass on sequences
        top = recurrent[-1]
        return serial(*nets[:top], _many_to_one(nets[top]), *nets[top + 1 :])

    return Net(
        init,
        width,
        initial,
        apply,
        with_unroll=lambda unroll: serial(*(net.with_unroll(unroll) for net in nets)),
        causal=all(net.causal for net in nets),
        many_to_one=many_to_one if recurrent else None,
        explicit_weights=explicit_weights_of_parts(serial, nets, tuple),
        vocabulary=nets[0].vocabulary if nets else None,
        attention=_first_attention(nets),
    )


def _first_attention(nets):
    """Returns `Net.attention` for nets in series, the one of the first net that has attention; None without one."""
    attending = [index for index, net in enumerate(nets) if net.attention is not None]
    if not attending:
        return None
    first = attending[0]

    def attention(params, carry, xs):
        for net, p, c in zip(nets[:first], params, carry, strict=False):
            xs = net.apply(p, c, xs)[1]
        return nets[first].attention(params[first], carry[first], xs)

    return attention


@checked
def residual(net: Net) -> Net:
    """y_t = x_t + net(x)_t at every valid step (He et al. 2016).

    Raises:
      ValueError: at init, if the net's output is not as wide as its input.
    """

    def init(key, input_size):
        if net.width(input_size) != input_size:
            raise ValueError(
                f"residual: expected an output as wide as the input, {input_size}, got width {net.width(input_size)}"
            )
        return net.init(key, input_size)

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        carry, ys = net.apply(params, carry, xs, mask=mask, reset=reset, key=key)
        return carry, ys + masked(xs, mask)

    return rewrapped(net, residual, init=init, apply=apply)


class BidirectionalParams(NamedTuple):
    forward: Params
    backward: Params


@checked
def bidirectional(forward: Net, backward: Net, merge: Literal["concat", "sum", "mul", "ave"] = "concat") -> Net:
    """Runs two nets over the same inputs, one in each direction (Schuster & Paliwal 1997).

    Args:
      forward: a net that runs forwards.
      backward: a net that runs backwards, such as `recurrent(cell, reverse=True)`.
      merge: how their outputs are merged: concatenated, added, multiplied or averaged.
    """
    join = MERGES[merge]

    def init(key, input_size):
        key_f, key_b = jax.random.split(key)
        return BidirectionalParams(forward.init(key_f, input_size), backward.init(key_b, input_size))

    def width(input_size):
        widths = forward.width(input_size), backward.width(input_size)
        return sum(widths) if merge == "concat" else widths[0]

    def initial(params, batch_shape):
        return BidirectionalParams(
            forward.initial(params.forward, batch_shape), backward.initial(params.backward, batch_shape)
        )

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        check_both(carry, BidirectionalParams)
        carry_f, ys_f = forward.apply(params.forward, carry.forward, xs, mask=mask, reset=reset, key=fold_in(key, 0))
        carry_b, ys_b = backward.apply(params.backward, carry.backward, xs, mask=mask, reset=reset, key=fold_in(key, 1))
        return BidirectionalParams(carry_f, carry_b), join(ys_f, ys_b)

    return Net(
        init,
        width,
        initial,
        apply,
        with_unroll=lambda unroll: bidirectional(forward.with_unroll(unroll), backward.with_unroll(unroll), merge),
        causal=False,
        explicit_weights=explicit_weights_of_parts(
            lambda *nets: bidirectional(*nets, merge=merge),
            (forward, backward),
            lambda parts: BidirectionalParams(*parts),
        ),
        many_to_one=lambda: bidirectional(_many_to_one(forward), _many_to_one(backward), merge),
        vocabulary=forward.vocabulary,
    )


def _many_to_one(net):
    return net if net.many_to_one is None else net.many_to_one()


@checked
def last(net: Net) -> Net:
    """Keeps only the net's output at the last valid step of each sequence: ys [1, B, K].

    A sequence without a valid step gives zeros.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        carry, ys = net.apply(params, carry, xs, mask=mask, reset=reset, key=key)
        return carry, _select_step(ys, mask, jnp.max, 0, slice(-1, None))

    return rewrapped(net, last, apply=apply, many_to_one=lambda: last(_many_to_one(net)))


@checked
def first(net: Net) -> Net:
    """Keeps only the net's output at the first valid step of each sequence: ys [1, B, K].

    For a net that runs backwards, this output depends on the whole sequence. A sequence without a valid step gives
    zeros.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        carry, ys = net.apply(params, carry, xs, mask=mask, reset=reset, key=key)
        return carry, _select_step(ys, mask, jnp.min, len(ys) - 1, slice(0, 1))

    return rewrapped(net, first, apply=apply, many_to_one=lambda: first(net))


def _select_step(ys, mask, extreme, other, without_mask):
    """Returns ys [T, B, K] at the first or last valid step, [1, B, K].

    Args:
      ys, mask: outputs [T, B, K], and their mask [T, B] or None.
      extreme: `jnp.min` for the first step, `jnp.max` for the last.
      other: the step number that replaces invalid steps, so that they are not selected.
      without_mask: slice of the step to return if the mask is None.
    """
    if len(ys) == 0:
        return jnp.zeros((1, *ys.shape[1:]), ys.dtype)
    if mask is None:
        return ys[without_mask]
    times = jnp.arange(len(ys)).reshape(-1, *[1] * (mask.ndim - 1))
    selected = extreme(jnp.where(mask, times, other), axis=0, keepdims=True)  # without a valid step, ys are zero
    return jnp.take_along_axis(ys, selected[..., None], axis=0)
