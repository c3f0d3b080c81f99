"""Layers that act on each step by itself: `affine`, `embed`, `one_hot`, `dropout`; `tied` embeddings around a net."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells._dropout import dropout_mask
from jaxrnn.cells._step import carry_dtype, dot
from jaxrnn.initializers import glorot
from jaxrnn.keys import per_sequence, per_step
from jaxrnn.nets._arguments import refuse_width
from jaxrnn.types import Net, Rate, Size


class AffineParams(NamedTuple):
    w: jax.Array  # [D, K]
    b: jax.Array  # [K]


@checked
def affine(output_size: Size, init: Callable[..., Any] = glorot()) -> Net:
    """y_t = x_t W + b at every valid step."""

    def init_params(key, input_size):
        return AffineParams(init(key, (input_size, output_size)), jnp.zeros(output_size))

    def function(params, xs):
        if xs.shape[-1] != len(params.w):
            refuse_width(len(params.w), xs.shape)
        return dot(xs, params.w) + params.b

    return _pointwise(init_params, function, lambda input_size: output_size)


class EmbedParams(NamedTuple):
    w: jax.Array  # [vocabulary, K]


@checked
def embed(vocabulary: Size, output_size: Size) -> Net:
    """Row x_t of a table of learned vectors; xs [T, B, 1] hold integers in [0, vocabulary)."""

    def init(key, input_size):
        _require_symbols("embed", input_size)
        return EmbedParams(jax.random.normal(key, (vocabulary, output_size)))

    def function(params, xs):
        _require_symbols("embed", xs.shape[-1])
        return _rows(params.w, xs)

    return _pointwise(init, function, lambda input_size: output_size)._replace(vocabulary=vocabulary)


def _rows(w, xs):
    """Row x_t of a table, in float32 at least: its gradient is a sum over all steps that read the row."""
    return w.astype(carry_dtype(w))[xs[..., 0].astype(int)]


@checked
def one_hot(vocabulary: Size) -> Net:
    """A vector of zeros with a one at x_t; xs [T, B, 1] hold integers in [0, vocabulary)."""

    def init(key, input_size):
        _require_symbols("one_hot", input_size)
        return ()

    def function(params, xs):
        _require_symbols("one_hot", xs.shape[-1])
        return jax.nn.one_hot(xs[..., 0].astype(int), vocabulary, dtype=float)

    return _pointwise(init, function, lambda input_size: vocabulary)._replace(vocabulary=vocabulary)


class TiedParams(NamedTuple):
    net: Any
    w: jax.Array  # [vocabulary, E]
    b: jax.Array  # [vocabulary]


@checked
def tied(net: Net, vocabulary: Size, size: Size) -> Net:
    """A net between an embedding and a readout with the same weights (Press & Wolf 2017): logits = h_t W^T + b.

    Args:
      net: a net whose outputs are as wide as its inputs.
      vocabulary: symbols in, and out; a number above the outputs, such as a start symbol, may be read too.
      size: E, the width of the embedding and of the net's outputs.

    Raises:
      ValueError: at init, if the net's outputs have another width.
    """

    def init(key, input_size):
        _require_symbols("tied", input_size)
        if net.width(size) != size:
            raise ValueError(f"tied embeddings need model.embedding={net.width(size)}, the width of the last layer")
        key_net, key_w = jax.random.split(key)
        w = jax.random.normal(key_w, (vocabulary, size)) / jnp.sqrt(1.0 * size)
        return TiedParams(net.init(key_net, size), w, jnp.zeros(vocabulary))

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        inputs = masked(_rows(params.w, masked(xs, mask)), mask)
        carry, hs = net.apply(params.net, carry, inputs, mask=mask, reset=reset, key=key)
        return carry, masked(dot(hs, params.w.T) + params.b, mask)

    return net._replace(
        init=init,
        width=lambda input_size: vocabulary,
        initial=lambda params, batch_shape: net.initial(params.net, batch_shape),
        apply=apply,
        unrolled=lambda unroll: tied(net.unrolled(unroll), vocabulary, size),
        many_to_one=None if net.many_to_one is None else lambda: tied(net.many_to_one(), vocabulary, size),
        vocabulary=vocabulary,
    )


@checked
def dropout(rate: Rate, variational: bool = False) -> Net:
    """Inverted dropout of the inputs, active when a key is given (Srivastava et al. 2014).

    Args:
      rate: probability of a zero, in [0, 1).
      variational: one mask a sequence for all steps (Gal & Ghahramani 2016) instead of a fresh one a step.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        if key is None:
            return carry, masked(xs, mask)
        if variational:
            keep = dropout_mask(per_sequence(key), rate, xs.shape[-1:], xs.dtype)
        else:
            keep = jnp.moveaxis(dropout_mask(per_step(key), rate, (len(xs), xs.shape[-1]), xs.dtype), -2, 0)
        return carry, masked(xs * keep, mask)

    return _without_carry(lambda key, input_size: (), lambda input_size: input_size, apply)


def _require_symbols(name, input_size):
    if input_size != 1:
        raise ValueError(f"{name} reads one integer a step, xs [T, B, 1]; the input has width {input_size}")


def masked(xs, mask):
    """Zero where the mask is false: the inputs there may be NaN."""
    return xs if mask is None else jnp.where(mask[..., None], xs, 0)


def _pointwise(init, function, width):
    """A net without a carry whose y_t depends on x_t alone."""

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        return carry, masked(function(params, masked(xs, mask)), mask)

    return _without_carry(init, width, apply)


def _without_carry(init, width, apply):
    """A net without a carry, which is the same however it is unrolled."""
    net = Net(init, width, lambda params, batch_shape: (), apply, unrolled=lambda unroll: net)
    return net
