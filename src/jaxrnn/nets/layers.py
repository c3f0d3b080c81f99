"""Layers: `recurrent` makes a net of a cell; `affine`, `embed` and `dropout` act on each step by itself."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.cells._dropout import drop_recurrent, dropout_mask
from jaxrnn.cells._step import dot
from jaxrnn.initializers import glorot
from jaxrnn.types import Net
from jaxrnn.unroll._contract import scan


def recurrent(cell, unroll=scan, reverse=False, dropout=None):
    """A layer of recurrent units: the only way from a `Cell` to a `Net`.

    Args:
      cell: a `Cell`.
      unroll: what an `unroll` of `jaxrnn.unroll` returns; `Net.unrolled` sets another.
      reverse: run from the last step to the first; ys stay in the order of xs.
      dropout: rate of a dropout mask on the recurrence that stays the same over time (Gal & Ghahramani 2016), active
        when a key is given; None for none.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        if dropout is not None and key is not None:
            params = drop_recurrent(params, key, dropout)
        return unroll(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)

    return Net(
        cell.init,
        lambda input_size: cell.size,
        cell.initial,
        apply,
        unrolled=lambda unroll: recurrent(cell, unroll, reverse, dropout),
        causal=not reverse,
    )


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


def dropout(rate, variational=False):
    """Inverted dropout of the inputs, active when a key is given (Srivastava et al. 2014).

    Args:
      rate: probability of a zero, in [0, 1).
      variational: one mask a sequence for all steps (Gal & Ghahramani 2016) instead of a fresh one a step.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        if key is None:
            return carry, masked(xs, mask)
        if variational:
            keep = dropout_mask(key, rate, xs.shape[-1:], xs.dtype)
        else:
            keep = jnp.moveaxis(dropout_mask(key, rate, (len(xs), xs.shape[-1]), xs.dtype), -2, 0)
        return carry, masked(xs * keep, mask)

    return _without_carry(lambda key, input_size: (), lambda input_size: input_size, apply)


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
