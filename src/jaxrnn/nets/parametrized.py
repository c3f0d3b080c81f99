"""Nets whose recurrent weights are functions of the trained params."""

import itertools

import jax
import jax.numpy as jnp

from jaxrnn.cells.jordan import JordanParams
from jaxrnn.cells.step import carry_dtype
from jaxrnn.nets._wrapping import rewrapped
from jaxrnn.recurrent_weights import map_recurrent, recurrent_weights
from jaxrnn.types import ExplicitWeights


def parametrized(net, parametrization):
    """Parametrizes a net: its leaves `w_h` hold the matrix A of a `Parametrization`, not the recurrent weights W_h.

    W_h is computed once per sequence. `Net.explicit_weights` gives the net whose params hold W_h itself. Without a
    parametrization (None), the net stays the same.

    Raises:
      ValueError: when the weights are drawn, if the net has no recurrent weights in square blocks.
    """

    if parametrization is None:
        return net

    def weights(params):
        return _change_blocks(params, lambda number, a: parametrization.matrix(a))

    def init(key, input_size):
        params = net.init(key, input_size)
        return _change_blocks(params, lambda number, w: parametrization.begin(jax.random.fold_in(key, number), w))

    def apply(params, carry, xs, **options):
        return net.apply(weights(params), carry, xs, **options)

    decoding = net.decoding
    if decoding is not None:
        decoding = decoding._replace(encode=lambda params, *source: net.decoding.encode(weights(params), *source))
    return rewrapped(
        net,
        lambda other: parametrized(other, parametrization),
        init=init,
        apply=apply,
        decoding=decoding,
        attention=None if net.attention is None else lambda params, *inputs: net.attention(weights(params), *inputs),
        explicit_weights=ExplicitWeights(net, weights),
    )


def _change_blocks(params, change):
    """Replaces every square block of recurrent weights in params by `change(index of the block, block)`.

    Blocks are computed in at least float32; a product of many bfloat16 matrices would leave the family of matrices.
    """
    layers = jax.tree.leaves(params, is_leaf=lambda part: isinstance(part, JordanParams))
    if any(isinstance(layer, JordanParams) for layer in layers):
        raise ValueError("model.parametrization needs square recurrent weights, which a Jordan network does not have")
    if not recurrent_weights(params):
        raise ValueError("model.parametrization needs recurrent weights, a leaf of the params named w_h")
    numbers = itertools.count()

    def of_leaf(leaf):
        wide = leaf.astype(carry_dtype(leaf))
        blocks = jnp.split(wide, leaf.shape[1] // leaf.shape[0], axis=1)
        return jnp.concatenate([change(next(numbers), block) for block in blocks], axis=1).astype(leaf.dtype)

    return map_recurrent(of_leaf, params)
