"""The encoder-decoder: a sequence to a sequence of another length."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.keys import at_step, fold_in
from jaxrnn.nets.attention import Attended, AttentiveCarry
from jaxrnn.nets.combine import BidirectionalParams
from jaxrnn.types import Decoding, Net, Rate, Size
from jaxrnn.unroll._contract import Recorded, summed_in_float32


class EncoderDecoderParams(NamedTuple):
    encoder: Any
    decoder: Any


@checked
def encoder_decoder(encoder: Net, decoder: Net, length: Size, output_size: Size,
                    feedback: Callable[..., Any] | None = None, symbols: bool = False, own_outputs: Rate = 0.0,
                    attention: Any = None) -> Net:  # fmt: skip
    """Sequence to sequence of another length (Sutskever, Vinyals & Le 2014; Cho et al. 2014).

    The encoder reads the source; its last carry is the decoder's first. A layer in both directions hands over the mean
    of its two carries, and the forward one to a decoder that attends, whose memory the encoder's outputs are. The
    decoder reads its last output, or the true one where `Pair.targets` are given (teacher forcing). `mask` [S, B] is
    the source's. The net's carry is the encoder's.

    Args:
      encoder: a net.
      decoder: a net whose carry has the encoder's structure, such as the same layers with a readout of their own, or
        `attention.luong` or `attention.bahdanau` around them. Layers that only one of them has must hold no carry.
      length: T, the number of steps that the decoder runs where no targets are given.
      output_size: K.
      feedback: y_t [B, K] -> the next input; None for the symbol with the largest logit, or the values themselves.
      symbols: whether the targets are symbols [T, B, 1]; the first input is then the number K, else it is zeros [K].
      own_outputs: probability at each step of reading its own last output in training (scheduled sampling, Bengio et
        al. 2015), tossed by the key.
      attention: (params, carry, inputs) -> weights, of the decoder; None for one that does not attend.

    Returns:
      A net whose xs is a `Pair` and whose ys are [T, B, K].
    """
    width = 1 if symbols else output_size
    options = (length, output_size, feedback, symbols, own_outputs, attention)
    feedback = (largest if symbols else lambda y: y) if feedback is None else feedback

    def start(batch_shape):
        return jnp.full((*batch_shape, width), float(output_size) if symbols else 0.0)

    def encode(params, source, mask=None):
        carry = encoder.initial(params.encoder, source.shape[1:-1])
        return params.decoder, _read(encoder, decoder, params, carry, source, mask)[1]

    decoding = Decoding(encode, decoder, start, attention)
    return Net(
        init=_init(encoder, decoder, width),
        width=lambda input_size: decoder.width(width),
        initial=lambda params, batch_shape: encoder.initial(params.encoder, batch_shape),
        apply=_apply(encoder, decoding, length, feedback, own_outputs),
        unrolled=lambda unroll: encoder_decoder(encoder.unrolled(unroll), decoder.unrolled(unroll), *options),
        causal=False,
        decoding=decoding,
        vocabulary=encoder.vocabulary,
    )


def _init(encoder, decoder, width):
    def init(key, input_size):
        key_e, key_d = jax.random.split(key)
        return EncoderDecoderParams(encoder.init(key_e, input_size), decoder.init(key_d, width))

    return init


def _read(encoder, decoder, params, carry, source, mask=None, key=None):
    """(the encoder's last carry, the decoder's first one)."""
    last, ys = encoder.apply(params.encoder, carry, source, mask=mask, key=key)
    return last, _handed_over(decoder.initial(params.decoder, source.shape[1:-1]), last, ys, mask)


def _apply(encoder, decoding, length, feedback, own_outputs):
    decoder = decoding.decoder

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        last, state = _read(encoder, decoder, params, carry, xs.source, mask, fold_in(key, 0))
        own, first, key = params.decoder, decoding.start(xs.source.shape[1:-1]), fold_in(key, 1)
        if xs.targets is None:
            return last, _free(decoder, own, state, first, length, feedback, key)
        # A step reads the target before it: valid steps stand together at the beginning.
        inputs = jnp.concatenate([first[None].astype(xs.targets.dtype), xs.targets[:-1]])
        if own_outputs == 0 or key is None:
            return last, decoder.apply(own, state, inputs, mask=xs.mask, key=key)[1]
        return last, _scheduled(decoder, own, state, inputs, xs.mask, feedback, own_outputs, key)

    return apply


def largest(y):
    """The number of the largest logit, [B, 1]."""
    return jnp.argmax(y, axis=-1, keepdims=True)


def _handed_over(template, last, ys, mask):
    """The decoder's first carry: its structure, the encoder's last carry, and the outputs ys [S, B, M] as memory."""
    attends = any(isinstance(node, Attended) for node in jax.tree.leaves(template, is_leaf=_attends))
    leaves = iter(_leaves(last, both=not attends))
    valid = jnp.ones(ys.shape[:2], bool) if mask is None else mask

    def fill(node):
        if isinstance(node, Attended):
            return Attended(filled(node.carry), jnp.moveaxis(ys, 0, 1), valid.T)
        if isinstance(node, AttentiveCarry):
            return AttentiveCarry(filled(node.carry), node.h)
        return next(leaves, node)

    def filled(tree):
        return jax.tree.map(fill, tree, is_leaf=lambda node: isinstance(node, Attended | AttentiveCarry))

    return filled(template)


def _attends(node):
    return isinstance(node, Attended)


def _leaves(carry, both):
    """The leaves of a carry, of one recorded the carry's.

    Args:
      carry: the encoder's last one.
      both: whether a layer in both directions gives the mean of the two, or the forward one's.
    """

    def is_wrapped(node):
        return isinstance(node, BidirectionalParams | Recorded)

    leaves = []
    for node in jax.tree.leaves(carry, is_leaf=is_wrapped):
        if isinstance(node, Recorded):
            leaves += _leaves(node.carry, both)
        elif isinstance(node, BidirectionalParams):
            forward, backward = _leaves(node.forward, both), _leaves(node.backward, both)
            leaves += [(a + b) / 2 for a, b in zip(forward, backward, strict=True)] if both else forward
        else:
            leaves.append(node)
    return leaves


def _free(decoder, params, carry, first, length, feedback, key):
    """The decoder on its own outputs: ys [length, B, K]."""
    wide, narrow = summed_in_float32(params)

    def step(state, t):
        carry, x = state
        carry, ys = decoder.apply(narrow(wide), carry, x[None], key=at_step(key, t))
        return (carry, feedback(ys[0]).astype(x.dtype)), ys[0]

    return lax.scan(step, (carry, first), jnp.arange(length))[1]


def _scheduled(decoder, params, carry, inputs, mask, feedback, own_outputs, key):
    """The decoder on its own last output or the true one, as a toss at every step and sequence says."""
    tosses = jax.vmap(lambda k: jax.random.bernoulli(k, own_outputs, (len(inputs),)), out_axes=1)(fold_in(key, 2))
    mask = jnp.ones(inputs.shape[:2], bool) if mask is None else mask
    wide, narrow = summed_in_float32(params)

    def step(state, now):
        carry, before = state
        x, own, valid, t = now
        x = jnp.where(own[:, None], before.astype(x.dtype), x)
        carry, ys = decoder.apply(narrow(wide), carry, x[None], mask=valid[None], key=at_step(key, t))
        return (carry, lax.stop_gradient(feedback(ys[0])).astype(before.dtype)), ys[0]

    # At the first step both are the start, whatever the toss.
    return lax.scan(step, (carry, inputs[0]), (inputs, tosses, mask, jnp.arange(len(inputs))))[1]
