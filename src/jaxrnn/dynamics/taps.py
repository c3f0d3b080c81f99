"""What is hidden inside a net: the carry of every layer after every step, its gates, the gradients that pass there.

The net is unrolled by an unroll that records (`Net.unrolled`): it returns what it recorded in the carry's place, which
nets pass through untouched.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.cells._transforms import carry_as_output, flat, gates_as_output, perturbed, unflat
from jaxrnn.types import Carry
from jaxrnn.unroll._contract import scan


class Layer(NamedTuple):
    """What one layer (one direction of it) did.

    Fields:
      carries: the carry after every step, leaves [T, B, H].
      gates: the gates' values at every step, leaves [T, B, H], or None for a cell without gates.
    """

    carries: Carry
    gates: Any


class _Place(NamedTuple):
    """What stands in the carry's place: going in a layer's carry and what is done to it, coming out what was seen."""

    carry: Any
    content: Any = None


def observe(net, params, carry, xs, perturbations=None, *, mask=None, reset=None, key=None):
    """A net's outputs together with what is hidden in its layers.

    Args:
      net: a `Net`.
      params, carry, xs, mask, reset, key: as in `Net.apply`.
      perturbations: a list with a carry of leaves [T, B, H] for each layer, added to its carry after every step; None
        for none. The gradient with respect to them is dL/dcarry_t, for all t and all layers in one backward pass.

    Returns:
      (carry, ys [T, B, K], [Layer, ...]), the layers from the input to the output, forwards before backwards.
    """
    places, carries, _ = _layers(net, params, carry, xs)
    contents = [None] * len(carries) if perturbations is None else perturbations
    given = places.unflatten([_Place(*pair) for pair in zip(carries, contents, strict=True)])
    seen, ys = net.unrolled(_observing).apply(params, given, xs, mask=mask, reset=reset, key=key)
    found = places.flatten_up_to(seen)
    return places.unflatten([place.carry for place in found]), ys, [place.content for place in found]


def zero_perturbations(net, params, carry, xs):
    """Perturbations of zero for `observe`: a carry of leaves [T, B, H] for each layer."""
    _, carries, _ = _layers(net, params, carry, xs)
    return [jax.tree.map(lambda a: jnp.zeros((len(xs), *a.shape), a.dtype), c) for c in carries]


def shares(net, params, carry, xs, adjoints, direction, *, mask=None, reset=None):
    """The part of every step in the gradient of the layers' weights, along a direction.

    The gradient of a weight used at every step is a sum over steps, dL/dW = sum_t (dcarry_t/dW)^T dL/dcarry_t, the
    inner derivative taken with carry_{t-1} held constant. This is the inner product of each summand with a direction;
    along the gradient itself, over its squared norm, the shares sum to one.

    Args:
      net, params, carry, xs, mask, reset: as in `observe`.
      adjoints: dL/dcarry_t for each layer, as the gradient with respect to the perturbations of `observe`.
      direction: like params.

    Returns:
      [T, B], summed over layers; their sum is <dL/dW, direction>.
    """
    places, carries, _ = _layers(net, params, carry, xs)
    _, _, directions = _layers(net, direction, carry, xs)
    contents = zip(carries, zip(adjoints, directions, strict=True), strict=True)
    given = places.unflatten([_Place(*pair) for pair in contents])
    seen, _ = net.unrolled(_projecting).apply(params, given, xs, mask=mask, reset=reset)
    return sum(place.content for place in places.flatten_up_to(seen))


def names(carries):
    """The names of all leaves of the layers' carries or gates, in their order: "h"; "1.h", "2.h" with more layers."""
    single = len(carries) == 1
    return [
        (path[-1].name if single else f"{number}.{path[-1].name}")
        for number, carry in enumerate(carries, 1)
        for path, _ in jax.tree_util.tree_flatten_with_path(carry)[0]
    ]


def _layers(net, params, carry, xs):
    """Where the layers are in the net's carry: (tree with a leaf a layer, [carry], [params])."""

    def marking(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        return _Place(carry, params), jnp.zeros((*xs.shape[:-1], cell.size), xs.dtype)

    def is_place(node):
        return isinstance(node, _Place)

    marked, _ = net.unrolled(marking).apply(params, carry, xs)
    places = jax.tree.structure(marked, is_leaf=is_place)
    found = [place for place in jax.tree.leaves(marked, is_leaf=is_place) if is_place(place)]
    if len(found) != places.num_leaves:
        raise ValueError("this net holds a carry outside its recurrent layers; such a carry cannot be recorded")
    return places, [place.carry for place in found], [place.content for place in found]


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
    return _Place(final, Layer(carries, gates)), ys


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

    return _Place(final, jax.vmap(along)(xs, entering, adjoints)), ys[..., : cell.size]


def _gates_like(cell, params, carry, x_t):
    return jax.eval_shape(lambda: cell.gates(params, carry, cell.project(params, x_t)))
