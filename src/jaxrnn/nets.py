"""Nets: sequences to sequences. `recurrent` makes one of a cell; the rest combine nets and return nets."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.gates import dot, drop_recurrent, dropout_mask, fold_in
from jaxrnn.initializers import glorot
from jaxrnn.transforms import learned
from jaxrnn.types import Cell, Net, Rate, Size
from jaxrnn.unroll import scan


def recurrent(cell, unroll=scan, reverse=False, dropout=None):
    """A layer of recurrent units: the only way from a `Cell` to a `Net`.

    Args:
      cell: a `Cell`.
      unroll: one of `jaxrnn.unroll`.
      reverse: run from the last step to the first; ys stay in the order of xs.
      dropout: rate of a dropout mask on the recurrence that stays the same over time (Gal & Ghahramani 2016), active
        when a key is given; None for none.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        if dropout is not None and key is not None:
            params = drop_recurrent(params, key, dropout)
        return unroll(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)

    return Net(cell.init, lambda input_size: cell.size, cell.initial, apply, causal=not reverse)


class AffineParams(NamedTuple):
    w: jax.Array  # [D, K]
    b: jax.Array  # [K]


def affine(output_size, init=glorot()):
    """y_t = x_t W + b at every valid step."""

    def init_params(key, input_size):
        return AffineParams(init(key, (input_size, output_size)), jnp.zeros(output_size))

    return _pointwise(init_params, lambda params, xs: dot(xs, params.w) + params.b, lambda input_size: output_size)


class EmbedParams(NamedTuple):
    w: jax.Array  # [vocabulary, K]


def embed(vocabulary, output_size):
    """Row x_t of a table of learned vectors; xs [T, B, 1] hold integers in [0, vocabulary)."""

    def init(key, input_size):
        if input_size != 1:
            raise ValueError(f"embed reads one integer a step, xs [T, B, 1]; the input has width {input_size}")
        return EmbedParams(jax.random.normal(key, (vocabulary, output_size)))

    return _pointwise(init, lambda params, xs: params.w[xs[..., 0].astype(int)], lambda input_size: output_size)


def serial(*nets):
    """One net after the other; params and carries are tuples, one entry a net."""

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
        carries = []
        for index, (net, p, c) in enumerate(zip(nets, params, carry, strict=True)):
            c, xs = net.apply(p, c, xs, mask=mask, reset=reset, key=fold_in(key, index))
            carries.append(c)
        return tuple(carries), xs

    return Net(init, width, initial, apply, causal=all(net.causal for net in nets))


def residual(net):
    """y_t = x_t + net(x)_t at every valid step (He et al. 2016).

    Raises:
      ValueError: at init, if the net's output is not as wide as its input.
    """

    def init(key, input_size):
        if net.width(input_size) != input_size:
            raise ValueError(
                f"residual: the net turns width {input_size} into {net.width(input_size)}; they must agree"
            )
        return net.init(key, input_size)

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        carry, ys = net.apply(params, carry, xs, mask=mask, reset=reset, key=key)
        return carry, ys + _masked(xs, mask)

    return net._replace(init=init, apply=apply)


def dropout(rate, variational=False):
    """Inverted dropout of the inputs, active when a key is given (Srivastava et al. 2014).

    Args:
      rate: probability of a zero, in [0, 1).
      variational: one mask a sequence for all steps (Gal & Ghahramani 2016) instead of a fresh one a step.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        if key is None:
            return carry, _masked(xs, mask)
        if variational:
            keep = dropout_mask(key, rate, xs.shape[-1:], xs.dtype)
        else:
            keep = jnp.moveaxis(dropout_mask(key, rate, (len(xs), xs.shape[-1]), xs.dtype), -2, 0)
        return carry, _masked(xs * keep, mask)

    return Net(lambda key, input_size: (), lambda input_size: input_size, lambda params, batch_shape: (), apply)


class BidirectionalParams(NamedTuple):
    forward: Any
    backward: Any


def bidirectional(forward, backward, merge: Literal["concat", "sum", "mul", "ave"] = "concat"):
    """Two nets over the same inputs (Schuster & Paliwal 1997).

    Args:
      forward: a net that runs forwards.
      backward: a net that runs backwards, such as `recurrent(cell, reverse=True)`.
      merge: how their outputs become one: side by side, sum, product or mean.
    """
    join = {
        "concat": lambda a, b: jnp.concatenate([a, b], axis=-1),
        "sum": jnp.add,
        "mul": jnp.multiply,
        "ave": lambda a, b: (a + b) / 2,
    }[merge]

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
        carry_f, ys_f = forward.apply(params.forward, carry.forward, xs, mask=mask, reset=reset, key=fold_in(key, 0))
        carry_b, ys_b = backward.apply(params.backward, carry.backward, xs, mask=mask, reset=reset, key=fold_in(key, 1))
        return BidirectionalParams(carry_f, carry_b), join(ys_f, ys_b)

    return Net(init, width, initial, apply, causal=False)


def last(net):
    """The net's output at the last valid step of each sequence, as a sequence of one step: ys [1, B, K].

    A sequence without a valid step gives zeros.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        carry, ys = net.apply(params, carry, xs, mask=mask, reset=reset, key=key)
        if len(ys) == 0:
            return carry, jnp.zeros((1, *ys.shape[1:]), ys.dtype)
        if mask is None:
            return carry, ys[-1:]
        times = jnp.arange(len(xs)).reshape(-1, *[1] * (mask.ndim - 1))
        at = jnp.max(jnp.where(mask, times, 0), axis=0, keepdims=True)  # ys are zero where nothing is valid
        return carry, jnp.take_along_axis(ys, at[..., None], axis=0)

    return net._replace(apply=apply)


class Pair(NamedTuple):
    """What an encoder-decoder reads.

    Fields:
      source: [S, B, D], read by the encoder.
      targets: [T, B, K], the true outputs, to teach the decoder with; None to feed its own outputs back.
      mask: valid steps of the targets [T, B], or None for all.
    """

    source: jax.Array
    targets: jax.Array | None
    mask: jax.Array | None = None


class EncoderDecoderParams(NamedTuple):
    encoder: Any
    decoder: Any


def encoder_decoder(encoder, decoder, length, output_size, feedback=lambda y: y):
    """Sequence to sequence of another length (Sutskever, Vinyals & Le 2014; Cho et al. 2014).

    The encoder reads the source; its last carry is the decoder's first. The decoder reads its last output, zeros at
    first: the true one where `Pair.targets` are given (teacher forcing), else its own. `mask` and `reset` [S, B] are
    the source's. The carry of the result is the decoder's. Fed its own outputs, the decoder keeps one dropout mask for
    all its steps.

    Args:
      encoder: a net; its outputs are dropped.
      decoder: a net whose carry has the encoder's structure, such as the same layers with a readout of their own.
        Layers that only one of them has must hold no carry, as `affine` and `dropout`.
      length: T, the number of steps that the decoder runs where no targets are given.
      output_size: K.
      feedback: y_t [B, K] -> the next input [B, K], such as one-hot of argmax for symbols.

    Returns:
      A net whose xs is a `Pair` and whose ys are [T, B, K].
    """

    def init(key, input_size):
        key_e, key_d = jax.random.split(key)
        return EncoderDecoderParams(encoder.init(key_e, input_size), decoder.init(key_d, output_size))

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        encoded, _ = encoder.apply(params.encoder, carry, xs.source, mask=mask, reset=reset, key=fold_in(key, 0))
        batch_shape = xs.source.shape[1:-1]
        template = decoder.initial(params.decoder, batch_shape)
        carry = jax.tree.unflatten(jax.tree.structure(template), jax.tree.leaves(encoded))
        start = jnp.zeros((1, *batch_shape, output_size))
        if xs.targets is not None:
            inputs = jnp.concatenate([start.astype(xs.targets.dtype), xs.targets[:-1]])
            # A step reads the target before it: valid steps stand together at the beginning.
            return decoder.apply(params.decoder, carry, inputs, mask=xs.mask, key=fold_in(key, 1))

        def step(state, _):
            carry, x = state
            carry, y = decoder.apply(params.decoder, carry, x, key=fold_in(key, 1))
            return (carry, feedback(y).astype(x.dtype)), y[0]

        (carry, _), ys = lax.scan(step, (carry, start), length=length)
        return carry, ys

    return Net(
        init,
        lambda input_size: decoder.width(output_size),
        lambda params, batch_shape: encoder.initial(params.encoder, batch_shape),
        apply,
        causal=False,
    )


def rnn(
    cell: Cell,
    output_size: Size,
    layers: Size = 1,
    bidirectional: Literal["concat", "sum", "mul", "ave"] | None = None,
    residual: bool = False,
    dropout: Rate | None = None,
    variational: bool = False,
    recurrent_dropout: Rate | None = None,
    learned_carry: bool = False,
    readout: bool = True,
    unroll=scan,
) -> Net:
    """Layers of one cell and an affine readout: the network that `conf/model/*.yaml` describe.

    Args:
      cell: the cell of every layer; each layer has weights of its own.
      output_size: K.
      layers: number of layers.
      bidirectional: None for forwards only, else how the two directions' outputs are merged.
      residual: add each layer's input to its output, from the second layer on.
      dropout: rate between layers; None for none.
      variational: one dropout mask a sequence instead of one a step.
      recurrent_dropout: rate of the mask on the recurrence; None for none.
      learned_carry: train the initial carry; else it is zeros.
      readout: whether an affine readout follows; without one the last layer's outputs are the net's.
      unroll: one of `jaxrnn.unroll`.
    """
    cell = learned(cell) if learned_carry else cell
    stack = _stack(
        lambda: _layer(cell, unroll, bidirectional, recurrent_dropout), layers, dropout, variational, residual
    )
    return serial(*stack, affine(output_size)) if readout else serial(*stack)


def _layer(cell, unroll, merge, dropout_rate):
    forward = recurrent(cell, unroll, dropout=dropout_rate)
    if merge is None:
        return forward
    return bidirectional(forward, recurrent(cell, unroll, reverse=True, dropout=dropout_rate), merge)


def _stack(make_layer, layers, dropout_rate, variational, add_input):
    nets = [make_layer()]
    for _ in range(layers - 1):
        if dropout_rate is not None:
            nets.append(dropout(dropout_rate, variational))
        nets.append(residual(make_layer()) if add_input else make_layer())
    return nets


def _masked(xs, mask):
    """Zero where the mask is false: the inputs there may be NaN."""
    return xs if mask is None else jnp.where(mask[..., None], xs, 0)


def _pointwise(init, function, width):
    """A net without a carry whose y_t depends on x_t alone."""

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        return carry, _masked(function(params, _masked(xs, mask)), mask)

    return Net(init, width, lambda params, batch_shape: (), apply)
