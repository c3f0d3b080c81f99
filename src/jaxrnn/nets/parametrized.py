"""Nets whose recurrent weights are functions of what is trained."""

import jax
import jax.numpy as jnp

from jaxrnn.cells._dropout import is_recurrent
from jaxrnn.cells._step import carry_dtype
from jaxrnn.cells.jordan import JordanParams
from jaxrnn.types import Plain


def parametrized(net, parametrization):
    """The net whose leaves named w_h hold the A of a `jaxrnn.parametrizations.Parametrization` in place of W_h.

    W_h is computed once a sequence. `Net.plain` gives the net whose params hold W_h itself.

    Raises:
      ValueError: when weights are drawn, if the net has no recurrent weights, or none in square blocks.
    """

    def weights(params):
        return _changed(params, lambda number, a: parametrization.matrix(a))

    def init(key, input_size):
        params = net.init(key, input_size)
        return _changed(params, lambda number, w: parametrization.begin(jax.random.fold_in(key, number), w))

    def apply(params, carry, xs, **given):
        return net.apply(weights(params), carry, xs, **given)

    decoding = net.decoding
    if decoding is not None:
        decoding = decoding._replace(encode=lambda params, *source: net.decoding.encode(weights(params), *source))
    return net._replace(
        init=init,
        apply=apply,
        unrolled=lambda unroll: parametrized(net.unrolled(unroll), parametrization),
        decoding=decoding,
        plain=Plain(net, weights),
        many_to_one=None if net.many_to_one is None else lambda: parametrized(net.many_to_one(), parametrization),
    )


def _changed(params, change):
    """The params with every square block of recurrent weights replaced: (number of the block, block) -> block.

    Blocks are computed in float32 at least: a product of many matrices in bfloat16 would leave the family.
    """
    count = 0

    def of_leaf(path, leaf):
        nonlocal count
        if not is_recurrent(path):
            return leaf
        gates = leaf.shape[1] // leaf.shape[0]
        wide = leaf.astype(carry_dtype(leaf))
        blocks = [change(count + n, block) for n, block in enumerate(jnp.split(wide, gates, axis=1))]
        count += len(blocks)
        return jnp.concatenate(blocks, axis=1).astype(leaf.dtype)

    layers = jax.tree.leaves(params, is_leaf=lambda part: isinstance(part, JordanParams))
    if any(isinstance(layer, JordanParams) for layer in layers):
        raise ValueError("model.parametrization needs square recurrent weights; a Jordan network has none")
    found = jax.tree_util.tree_map_with_path(of_leaf, params)
    if not count:
        raise ValueError("model.parametrization needs recurrent weights, a leaf of the params named w_h")
    return found
