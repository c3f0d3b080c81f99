"""The encoder-decoder: a sequence to a sequence of another length."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.cells._dropout import fold_in
from jaxrnn.types import Net


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

    def unrolled(unroll):
        return encoder_decoder(encoder.unrolled(unroll), decoder.unrolled(unroll), length, output_size, feedback)

    def initial(params, batch_shape):
        return encoder.initial(params.encoder, batch_shape)

    return Net(init, lambda input_size: decoder.width(output_size), initial, apply, unrolled, causal=False)
