"""Layers that treat each step separately: `affine`, `embed`, `one_hot`, `dropout`; and `tied` embeddings."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.dropout import dropout_mask
from jaxrnn.cells.step import carry_dtype, dot
from jaxrnn.initializers import glorot
from jaxrnn.keys import per_sequence, per_step
from jaxrnn.nets._arguments import refuse_width
from jaxrnn.nets._wrapping import rewrapped_inside
from jaxrnn.types import Net, Params, Rate, Size


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
    """Looks up row x_t of a table of learned vectors; xs [T, B, 1] hold integers in [0, vocabulary)."""

    def init(key, input_size):
        _require_symbols("embed", input_size)
        return EmbedParams(jax.random.normal(key, (vocabulary, output_size)))

    def function(params, xs):
        _require_symbols("embed", xs.shape[-1])
        return _rows(params.w, xs)

    return _pointwise(init, function, lambda input_size: output_size)._replace(vocabulary=vocabulary)


def _rows(w, xs):
    """Looks up rows in at least float32, because the gradient of a row is a sum over all steps that read it."""
    return jnp.asarray(w).astype(carry_dtype(w))[xs[..., 0].astype(int)]


@checked
def one_hot(vocabulary: Size) -> Net:
    """Encodes x_t as a vector of zeros with a one at x_t; xs [T, B, 1] hold integers in [0, vocabulary)."""

    def init(key, input_size):
        _require_symbols("one_hot", input_size)
        return ()

    def function(params, xs):
        _require_symbols("one_hot", xs.shape[-1])
        return jax.nn.one_hot(xs[..., 0].astype(int), vocabulary, dtype=float)

    return _pointwise(init, function, lambda input_size: vocabulary)._replace(vocabulary=vocabulary)


class TiedParams(NamedTuple):
    net: Params
    w: jax.Array  # [vocabulary, E]
    b: jax.Array  # [vocabulary]


@checked
def tied(net: Net, vocabulary: Size, size: Size) -> Net:
    """Puts an embedding before a net and a readout with the same weights after it: logits = h_t W^T + b.

    Press & Wolf 2017.

    Args:
      net: a net whose outputs are as wide as its inputs.
      vocabulary: number of symbols, the same for inputs and outputs.
      size: E, the width of the embedding and of the net's outputs.

    Raises:
      ValueError: at init, if the net's outputs do not have width E.
    """

    def init(key, input_size):
        _require_symbols("tied", input_size)
        if net.width(size) != size:
            raise ValueError(
                f"tied: the embedding must be as wide as the last layer; set model.embedding={net.width(size)}"
            )
        key_net, key_w = jax.random.split(key)
        w = jax.random.normal(key_w, (vocabulary, size)) / jnp.sqrt(1.0 * size)
        return TiedParams(net.init(key_net, size), w, jnp.zeros(vocabulary))

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        inputs = masked(_rows(params.w, masked(xs, mask)), mask)
        carry, hs = net.apply(params.net, carry, inputs, mask=mask, reset=reset, key=key)
        return carry, masked(dot(hs, params.w.T) + params.b, mask)

    attend = net.attention

    return rewrapped_inside(
        net,
        lambda other: tied(other, vocabulary, size),
        init=init,
        width=lambda input_size: vocabulary,
        apply=apply,
        vocabulary=vocabulary,
        attention=None if attend is None else lambda p, carry, xs: attend(p.net, carry, _rows(p.w, xs)),
    )


@checked
def dropout(rate: Rate, variational: bool = False) -> Net:
    """Inverted dropout of the inputs (Srivastava et al. 2014); it needs a key, and does nothing without one.

    Args:
      rate: probability of a zero, in [0, 1).
      variational: use one mask per sequence for all steps (Gal & Ghahramani 2016) instead of a new one per step.
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
        raise ValueError(f"{name}: expected one integer per step, xs [T, B, 1], got inputs of width {input_size}")


def masked(xs, mask):
    """Sets xs to zero where the mask is false; the inputs there may be NaN."""
    return xs if mask is None else jnp.where(mask[..., None], xs, 0)


def _pointwise(init, function, width):
    """Makes a net without a carry whose y_t depends only on x_t."""

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        return carry, masked(function(params, masked(xs, mask)), mask)

    return _without_carry(init, width, apply)


def _without_carry(init, width, apply):
    """Makes a net without a carry; it is the same with every unroll."""
    net = Net(init, width, lambda params, batch_shape: (), apply, with_unroll=lambda unroll: net)
    return net
