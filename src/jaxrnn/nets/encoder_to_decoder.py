"""The encoder-decoder, which maps a sequence to a sequence of another length."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.keys import at_step, fold_in
from jaxrnn.nets.attention import Attended, AttentiveCarry
from jaxrnn.nets.combine import BidirectionalParams
from jaxrnn.nets.recording import unrecorded
from jaxrnn.types import Decoding, Net, Params, Rate, Size
from jaxrnn.unroll.contract import summed_in_float32


class EncoderDecoderParams(NamedTuple):
    encoder: Params
    decoder: Params


@checked
def encoder_decoder(
    encoder: Net,
    decoder: Net,
    length: Size,
    output_size: Size,
    feedback: Callable[..., Any] | None = None,
    symbols: bool = False,
    scheduled_sampling: Rate = 0.0,
) -> Net:
    """Makes an encoder-decoder (Sutskever, Vinyals & Le 2014; Cho et al. 2014).

    - The encoder reads the source; its last carry is the first carry of the decoder. A bidirectional layer passes on
      the mean of its two carries, or its forward carry if the decoder has attention.
    - The memory of a decoder with attention is the sequence of the encoder's outputs.
    - The decoder's input is its last output, or the true one if `Pair.targets` is set (teacher forcing).
    - `mask` [S, B] belongs to the source. The net's carry is the encoder's.

    Args:
      encoder: a net.
      decoder: a net whose carry has the structure of the encoder's, such as the same layers with a readout. The layers
        may be inside `attention.luong` or `attention.bahdanau`. A layer that only one net has must have no carry.
      length: T, the number of steps of the decoder if no targets are given.
      output_size: K.
      feedback: y_t [B, K] -> the next input. None takes the symbol with the largest logit, or the values unchanged.
      symbols: whether the targets are symbols [T, B, 1]; the first input is then the number K, otherwise zeros [K].
      scheduled_sampling: probability that the decoder reads its own last output at a step in training (Bengio et al.
        2015).

    Returns:
      A net whose xs is a `Pair` and whose ys are [T, B, K].
    """
    width, first = (1, float(output_size)) if symbols else (output_size, 0.0)
    options = (length, output_size, feedback, symbols, scheduled_sampling)
    feedback = (largest if symbols else lambda y: y) if feedback is None else feedback

    def encode(params, source, mask=None):
        carry = encoder.initial(params.encoder, source.shape[1:-1])
        return params.decoder, _encode(encoder, decoder, params, carry, source, mask)[1]

    def with_unroll(unroll):
        return encoder_decoder(encoder.with_unroll(unroll), decoder.with_unroll(unrecorded(unroll)), *options)

    decoding = Decoding(encode, decoder, start=lambda batch_shape: jnp.full((*batch_shape, width), first))
    return Net(
        init=_init(encoder, decoder, width),
        width=lambda input_size: decoder.width(width),
        initial=lambda params, batch_shape: encoder.initial(params.encoder, batch_shape),
        apply=_apply(encoder, decoding, length, feedback, scheduled_sampling),
        with_unroll=with_unroll,
        causal=False,
        decoding=decoding,
        vocabulary=encoder.vocabulary,
    )


def _init(encoder, decoder, width):
    def init(key, input_size):
        key_e, key_d = jax.random.split(key)
        return EncoderDecoderParams(encoder.init(key_e, input_size), decoder.init(key_d, width))

    return init


def _encode(encoder, decoder, params, carry, source, mask=None, key=None):
    """Runs the encoder and returns its last carry and the decoder's first carry."""
    last, ys = encoder.apply(params.encoder, carry, source, mask=mask, key=key)
    return last, _first_carry(decoder.initial(params.decoder, source.shape[1:-1]), last, ys, mask)


def _apply(encoder, decoding, length, feedback, scheduled_sampling):
    decoder = decoding.decoder

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        last, decoder_carry = _encode(encoder, decoder, params, carry, xs.source, mask, fold_in(key, 0))
        decoder_params, first, key = params.decoder, decoding.start(xs.source.shape[1:-1]), fold_in(key, 1)
        if xs.targets is None:
            return last, _run_freely(decoder, decoder_params, decoder_carry, first, length, feedback, key)
        # Each step reads the target of the step before, so all valid steps must come first.
        inputs = jnp.concatenate([first[None].astype(xs.targets.dtype), xs.targets[:-1]])
        if scheduled_sampling == 0 or key is None:
            return last, decoder.apply(decoder_params, decoder_carry, inputs, mask=xs.mask, key=key)[1]
        return last, _run_scheduled(
            decoder, decoder_params, decoder_carry, inputs, xs.mask, feedback, scheduled_sampling, key
        )

    return apply


def largest(y):
    """Returns the index of the largest logit, [B, 1]."""
    return jnp.argmax(y, axis=-1, keepdims=True)


def _first_carry(template, last, ys, mask):
    """Makes the decoder's first carry.

    Args:
      template: an initial carry of the decoder, for its structure.
      last: the encoder's last carry.
      ys: the encoder's outputs [S, B, M], the memory of a decoder with attention.
      mask: valid steps of the source [S, B], or None.
    """
    attends = any(isinstance(node, Attended) for node in jax.tree.leaves(template, is_leaf=_has_attention))
    leaves = iter(_carry_leaves(last, both=not attends))
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


def _has_attention(node):
    return isinstance(node, Attended)


def _carry_leaves(carry, both):
    """Returns the leaves of a carry.

    Args:
      carry: the encoder's last carry.
      both: whether a bidirectional layer gives the mean of its two carries; otherwise it gives the forward one.
    """

    def is_bidirectional(node):
        return isinstance(node, BidirectionalParams)

    leaves = []
    for node in jax.tree.leaves(carry, is_leaf=is_bidirectional):
        if is_bidirectional(node):
            forward, backward = _carry_leaves(node.forward, both), _carry_leaves(node.backward, both)
            leaves += [(a + b) / 2 for a, b in zip(forward, backward, strict=True)] if both else forward
        else:
            leaves.append(node)
    return leaves


def _run_freely(decoder, params, carry, first, length, feedback, key):
    """Runs the decoder on its own outputs: ys [length, B, K]."""
    wide, narrow = summed_in_float32(params)

    def step(state, t):
        carry, x = state
        carry, ys = decoder.apply(narrow(wide), carry, x[None], key=at_step(key, t))
        return (carry, feedback(ys[0]).astype(x.dtype)), ys[0]

    return lax.scan(step, (carry, first), jnp.arange(length))[1]


def _run_scheduled(decoder, params, carry, inputs, mask, feedback, scheduled_sampling, key):
    """Runs the decoder with scheduled sampling: a toss per step and sequence chooses its own or the true output."""
    tosses = jax.vmap(lambda k: jax.random.bernoulli(k, scheduled_sampling, (len(inputs),)), out_axes=1)(
        fold_in(key, 2)
    )
    mask = jnp.ones(inputs.shape[:2], bool) if mask is None else mask
    wide, narrow = summed_in_float32(params)

    def step(state, step_inputs):
        carry, last_output = state
        x, use_output, valid, t = step_inputs
        x = jnp.where(use_output[:, None], last_output.astype(x.dtype), x)
        carry, ys = decoder.apply(narrow(wide), carry, x[None], mask=valid[None], key=at_step(key, t))
        return (carry, lax.stop_gradient(feedback(ys[0])).astype(last_output.dtype)), ys[0]

    # At the first step both choices are the start symbol, so the toss does not matter.
    return lax.scan(step, (carry, inputs[0]), (inputs, tosses, mask, jnp.arange(len(inputs))))[1]
