"""A net from inside: the carry of every layer after every step, its gates, and gradients with respect to the carries.

In an encoder-decoder, which reads a `Pair`, only the encoder's layers are recorded. `_recording` holds the
unrolls that record.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.arrays import AnyArray
from jaxrnn.dynamics._recording import Layer as Layer
from jaxrnn.dynamics._recording import carries_and_gates, find_layers, inputs_of, shares_along
from jaxrnn.nets.recording import record
from jaxrnn.types import Carry, Net, Pair, Params


def observe(
    net: Net,
    params: Params,
    carry: Carry,
    xs: AnyArray | Pair,
    perturbations: Any = None,
    *,
    mask: AnyArray | None = None,
    reset: AnyArray | None = None,
    key: jax.Array | None = None,
) -> Any:
    """Runs a net and records the carries and gates of its layers.

    Args:
      net: a `Net`.
      params, carry, xs, mask, reset, key: as in `Net.apply`.
      perturbations: a list with one carry per layer, leaves [T, B, H], that is added to the layer's carry after every
        step; None for none. The gradient with respect to it is dL/dcarry_t, for all t and all layers in one backward
        pass.

    Returns:
      (carry, ys [T, B, K], [Layer, ...]). The layers are in the order from the input to the output; the forward
      direction of a layer comes before its backward direction.
    """
    return record(net, carries_and_gates, perturbations, params, carry, xs, mask=mask, reset=reset, key=key)


def zero_perturbations(net: Net, params: Params, carry: Carry, xs: AnyArray | Pair) -> Any:
    """Returns zero perturbations for `observe`, whose arguments it takes: one carry per layer, leaves [T, B, H]."""
    steps = jnp.shape(xs.source if isinstance(xs, Pair) else xs)[0]
    layer_carries = carries(net, params, carry, xs)
    return [jax.tree.map(lambda a: jnp.zeros((steps, *a.shape), a.dtype), each) for each in layer_carries]


def shares(
    net: Net,
    params: Params,
    carry: Carry,
    xs: AnyArray | Pair,
    adjoints: Any,
    direction: Any,
    *,
    mask: AnyArray | None = None,
    reset: AnyArray | None = None,
) -> Any:
    """Returns the contribution of every step to the gradient of the layers' weights, along a direction.

    The gradient of a weight that is used at every step is a sum over steps, dL/dW = sum_t (dcarry_t/dW)^T dL/dcarry_t,
    where the inner derivative keeps carry_{t-1} constant. The result is the inner product of each summand with the
    direction. If the direction is the gradient divided by its squared norm, the contributions sum to one.

    Args:
      net, params, carry, xs, mask, reset: as in `observe`.
      adjoints: dL/dcarry_t of each layer: the gradient with respect to the perturbations of `observe`.
      direction: a pytree with the structure of params.

    Returns:
      [[T, B], ...], one array per layer; the sum of all values is <dL/dW, direction>.
    """
    directions = [layer.params for layer in find_layers(net, direction, carry, xs)]
    instructions = list(zip(adjoints, directions, strict=True))
    return record(net, shares_along, instructions, params, carry, xs, mask=mask, reset=reset)[2]


def layers(net: Net, params: Params, carry: Carry, xs: AnyArray | Pair) -> Any:
    """Lists the recurrent layers of a net; each direction of a bidirectional layer is an entry.

    Args:
      net, params, carry, xs: as in `observe`.

    Returns:
      [(name, cell, params of the layer, reverse), ...] in the order of `observe`. The names are "layer 1", "layer 2",
      ..., or "layer 1 forwards" and "layer 1 backwards" for a bidirectional layer.
    """
    layers = find_layers(net, params, carry, xs)
    reversed_layers = [layer.reverse for layer in layers]
    entries, number = [], 0
    for index, (cell, layer_params, _, reverse) in enumerate(layers):
        before, after = reversed_layers[:index][-1:], reversed_layers[index + 1 :][:1]
        is_second = reverse and before == [False]  # the backward direction of the entry before
        number += not is_second
        direction = " backwards" if reverse else " forwards" if after == [True] else ""
        entries.append((f"layer {number}{direction}", cell, layer_params, reverse))
    return entries


def inputs(
    net: Net,
    params: Params,
    carry: Carry,
    xs: AnyArray | Pair,
    *,
    mask: AnyArray | None = None,
    reset: AnyArray | None = None,
) -> Any:
    """Returns the inputs of every layer: [xs [T, B, D_l], ...]. Arguments and order are as in `observe`."""
    return record(net, inputs_of, None, params, carry, xs, mask=mask, reset=reset)[2]


def carries(net, params, carry, xs):
    """Returns the carry of every layer from the net's carry: [carry, ...]. Arguments and order are as in `observe`."""
    return [layer.carry for layer in find_layers(net, params, carry, xs)]


def states(carry):
    """Returns the names of the leaves of a carry or of gates, in order, such as ["c", "h"]."""
    return [path[-1].name for path, _ in jax.tree_util.tree_flatten_with_path(carry)[0]]
