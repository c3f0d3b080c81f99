"""What is hidden inside a net: the carry of every layer after every step, its gates, the gradients that pass there.

The net is unrolled by an unroll that records (`Net.unrolled`): it returns what it recorded in the carry's place, which
nets pass through untouched. Of an encoder-decoder, which reads a `Pair`, the layers are the encoder's: its decoder
begins with the carry itself, and is unrolled as usual.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxrnn.cells._transforms import carry_as_output, flat, gates_as_output, perturbed, unflat
from jaxrnn.types import Carry, Cell, Net, Pair, Params
from jaxrnn.unroll._contract import Recorded, scan


class Layer(NamedTuple):
    """What one layer (one direction of it) did.

    Fields:
      carries: the carry after every step, leaves [T, B, H].
      gates: the gates' values at every step, leaves [T, B, H], or None for a cell without gates.
    """

    carries: Carry
    gates: Any


def observe(
    net: Net,
    params: Params,
    carry: Carry,
    xs: ArrayLike,
    perturbations: Any = None,
    *,
    mask: ArrayLike | None = None,
    reset: ArrayLike | None = None,
    key: jax.Array | None = None,
) -> Any:
    """A net's outputs together with what is hidden in its layers.

    Args:
      net: a `Net`.
      params, carry, xs, mask, reset, key: as in `Net.apply`.
      perturbations: a list with a carry of leaves [T, B, H] for each layer, added to its carry after every step; None
        for none. The gradient with respect to them is dL/dcarry_t, for all t and all layers in one backward pass.

    Returns:
      (carry, ys [T, B, K], [Layer, ...]), the layers from the input to the output, forwards before backwards.
    """
    places, own, _ = _layers(net, params, carry, xs)
    contents = [None] * len(own) if perturbations is None else perturbations
    given = places.unflatten([Recorded(*pair) for pair in zip(own, contents, strict=True)])
    seen, ys = net.unrolled(_observing).apply(params, given, xs, mask=mask, reset=reset, key=key)
    found = places.flatten_up_to(seen)
    return places.unflatten([place.carry for place in found]), ys, [place.content for place in found]


def zero_perturbations(net: Net, params: Params, carry: Carry, xs: ArrayLike) -> Any:
    """Perturbations of zero for `observe`: a carry of leaves [T, B, H] for each layer."""
    own, steps = carries(net, params, carry, xs), len(xs.source if isinstance(xs, Pair) else xs)
    return [jax.tree.map(lambda a: jnp.zeros((steps, *a.shape), a.dtype), c) for c in own]


def shares(
    net: Net,
    params: Params,
    carry: Carry,
    xs: ArrayLike,
    adjoints: Any,
    direction: Any,
    *,
    mask: ArrayLike | None = None,
    reset: ArrayLike | None = None,
) -> Any:
    """The part of every step in the gradient of the layers' weights, along a direction.

    The gradient of a weight used at every step is a sum over steps, dL/dW = sum_t (dcarry_t/dW)^T dL/dcarry_t, the
    inner derivative taken with carry_{t-1} held constant. This is the inner product of each summand with a direction;
    along the gradient itself, over its squared norm, the shares sum to one.

    Args:
      net, params, carry, xs, mask, reset: as in `observe`.
      adjoints: dL/dcarry_t for each layer, as the gradient with respect to the perturbations of `observe`.
      direction: like params.

    Returns:
      [[T, B], ...], one for each layer; the sum of all is <dL/dW, direction>.
    """
    places, own, _ = _layers(net, params, carry, xs)
    directions = [layer_params for layer_params, _ in _layers(net, direction, carry, xs)[2]]
    contents = zip(own, zip(adjoints, directions, strict=True), strict=True)
    given = places.unflatten([Recorded(*pair) for pair in contents])
    seen, _ = net.unrolled(_projecting).apply(params, given, xs, mask=mask, reset=reset)
    return [place.content for place in places.flatten_up_to(seen)]


def layers(net: Net, params: Params, carry: Carry, xs: ArrayLike) -> Any:
    """The recurrent layers of a net, each direction one: [(name, cell, its params, reverse), ...].

    Args:
      net, params, carry, xs: as in `observe`.

    Returns:
      The layers in the order of `observe`, called "layer 1", "layer 2" ...; "layer 1 forwards" and "layer 1 backwards"
      where a layer has two directions.
    """
    _, _, contents = _layers(net, params, carry, xs)
    found, number = [], 0
    two_ways = {place for place, (_, run) in enumerate(contents) if run.reverse}
    for place, (layer_params, run) in enumerate(contents):
        paired = run.reverse and place > 0 and not contents[place - 1][1].reverse
        number += not paired
        way = " backwards" if run.reverse else " forwards" if place + 1 in two_ways else ""
        found.append((f"layer {number}{way}", run.cell, layer_params, run.reverse))
    return found


def inputs(
    net: Net,
    params: Params,
    carry: Carry,
    xs: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    reset: ArrayLike | None = None,
) -> Any:
    """What every layer reads: [xs [T, B, D_l], ...], in the order of `observe`."""
    places, own, _ = _layers(net, params, carry, xs)
    given = places.unflatten([Recorded(each) for each in own])
    seen, _ = net.unrolled(_reading).apply(params, given, xs, mask=mask, reset=reset)
    return [place.content for place in places.flatten_up_to(seen)]


def carries(net, params, carry, xs):
    """The carry of every layer, taken out of the net's: [carry, ...], in the order of `observe`."""
    return _layers(net, params, carry, xs)[1]


def states(carry):
    """The names of the leaves of a carry or of gates, in their order: ["c", "h"]."""
    return [path[-1].name for path, _ in jax.tree_util.tree_flatten_with_path(carry)[0]]


def _layers(net, params, carry, xs):
    """Where the layers are in the net's carry: (tree with a leaf a layer, [carry], [(params, `_Run`)])."""

    def marking(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        return Recorded(carry, (params, _Run(cell, reverse))), jnp.zeros((*xs.shape[:-1], cell.size), xs.dtype)

    def is_place(node):
        return isinstance(node, Recorded)

    marked, _ = net.unrolled(marking).apply(params, carry, xs)
    places = jax.tree.structure(marked, is_leaf=is_place)
    found = [place for place in jax.tree.leaves(marked, is_leaf=is_place) if is_place(place)]
    if len(found) != places.num_leaves:
        raise ValueError("this net holds a carry outside its recurrent layers; such a carry cannot be recorded")
    return places, [place.carry for place in found], [place.content for place in found]


@jax.tree_util.register_static
@dataclass(frozen=True, eq=False)
class _Run:
    """How a layer is unrolled: a part of a tree that holds no arrays."""

    cell: Cell
    reverse: bool


def _of_recorded(unroll):
    """The unroll that records where it gets a `Recorded`, and scans where it gets a carry: that of a decoder."""

    def either(cell, params, place, xs, **options):
        recorded = unroll if isinstance(place, Recorded) else scan
        return recorded(cell, params, place, xs, **options)

    return either


@_of_recorded
def _reading(cell, params, place, xs, *, mask=None, reset=None, reverse=False):
    """The unroll that records what the layer reads."""
    final, ys = scan(cell, params, place.carry, xs, mask=mask, reset=reset, reverse=reverse)
    return Recorded(final, xs), ys


@_of_recorded
def _observing(cell, params, place, xs, *, mask=None, reset=None, reverse=False):
    """The unroll that adds perturbations and records carries and gates."""
    carry, perturbations = place
    rank = xs.ndim - 2
    shown, inputs = carry_as_output(cell), xs
    if perturbations is not None:
        shown, inputs = carry_as_output(perturbed(cell)), jnp.concatenate([xs, flat(perturbations, rank + 1)], axis=-1)
    final, ys = scan(shown, params, carry, inputs, mask=mask, reset=reset, reverse=reverse)
    ys, carries = ys[..., : cell.size], unflat(ys[..., cell.size :], carry, rank)
    gates = None
    if cell.gates is not None:
        _, values = scan(gates_as_output(cell), params, carry, xs, mask=mask, reset=reset, reverse=reverse)
        gates = unflat(values[..., cell.size :], _gates_like(cell, params, carry, xs[0]), rank)
    return Recorded(final, Layer(carries, gates)), ys


@_of_recorded
def _projecting(cell, params, place, xs, *, mask=None, reset=None, reverse=False):
    """The unroll that takes the gradient of the weights apart, step by step, along a direction."""
    carry, (adjoints, direction) = place
    rank = xs.ndim - 2

    def step(params, carry, u):  # shows the carry that enters the step, after any reset
        new_carry, h = cell.step(params, carry, u)
        return new_carry, jnp.concatenate([h, flat(carry, rank)], axis=-1)

    final, ys = scan(cell._replace(step=step), params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    entering = unflat(ys[..., cell.size :], carry, rank)
    xs = xs if mask is None else jnp.where(mask[..., None], xs, 0)

    def along(x_t, before, adjoint):
        moved = jax.jvp(lambda p: cell.step(p, before, cell.project(p, x_t))[0], (params,), (direction,))[1]
        return jnp.sum(flat(moved, rank) * flat(adjoint, rank), axis=-1)

    return Recorded(final, jax.vmap(along)(xs, entering, adjoints)), ys[..., : cell.size]


def _gates_like(cell, params, carry, x_t):
    return jax.eval_shape(lambda: cell.gates(params, carry, cell.project(params, x_t)))
