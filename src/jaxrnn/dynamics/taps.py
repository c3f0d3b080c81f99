"""Records the inside of a net: the carry of every layer after every step, its gates, and the gradients with respect to
the carries.

`Net.with_unroll` sets an unroll that records. It returns its record in place of the carry, because nets pass carries
through unchanged. For an encoder-decoder, which reads a `Pair`, the recorded layers are the layers of the encoder. Its
decoder gets an ordinary carry and is unrolled with the plain scan.
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
    """The record of one layer, or of one direction of a bidirectional layer.

    Fields:
      carries: the carry after every step, leaves [T, B, H].
      gates: the gates at every step, leaves [T, B, H]; None for a cell without gates.
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
    tree, layer_carries, _ = _find_layers(net, params, carry, xs)
    contents = [None] * len(layer_carries) if perturbations is None else perturbations
    marked_carry = tree.unflatten([Recorded(*pair) for pair in zip(layer_carries, contents, strict=True)])
    final_carry, ys = net.with_unroll(_observing).apply(params, marked_carry, xs, mask=mask, reset=reset, key=key)
    records = tree.flatten_up_to(final_carry)
    return tree.unflatten([record.carry for record in records]), ys, [record.content for record in records]


def zero_perturbations(net: Net, params: Params, carry: Carry, xs: ArrayLike) -> Any:
    """Returns zero perturbations for `observe`, whose arguments it takes: one carry per layer, leaves [T, B, H]."""
    layer_carries, steps = carries(net, params, carry, xs), len(xs.source if isinstance(xs, Pair) else xs)
    return [jax.tree.map(lambda a: jnp.zeros((steps, *a.shape), a.dtype), c) for c in layer_carries]


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
    tree, layer_carries, _ = _find_layers(net, params, carry, xs)
    directions = [layer_params for layer_params, _ in _find_layers(net, direction, carry, xs)[2]]
    contents = zip(layer_carries, zip(adjoints, directions, strict=True), strict=True)
    marked_carry = tree.unflatten([Recorded(*pair) for pair in contents])
    final_carry, _ = net.with_unroll(_projecting).apply(params, marked_carry, xs, mask=mask, reset=reset)
    return [record.content for record in tree.flatten_up_to(final_carry)]


def layers(net: Net, params: Params, carry: Carry, xs: ArrayLike) -> Any:
    """Lists the recurrent layers of a net; each direction of a bidirectional layer is an entry.

    Args:
      net, params, carry, xs: as in `observe`.

    Returns:
      [(name, cell, params of the layer, reverse), ...] in the order of `observe`. The names are "layer 1", "layer 2",
      ..., or "layer 1 forwards" and "layer 1 backwards" for a bidirectional layer.
    """
    _, _, contents = _find_layers(net, params, carry, xs)
    entries, number = [], 0
    backward_indices = {index for index, (_, run) in enumerate(contents) if run.reverse}
    for index, (layer_params, run) in enumerate(contents):
        is_second = run.reverse and index > 0 and not contents[index - 1][1].reverse
        number += not is_second
        direction = " backwards" if run.reverse else " forwards" if index + 1 in backward_indices else ""
        entries.append((f"layer {number}{direction}", run.cell, layer_params, run.reverse))
    return entries


def inputs(
    net: Net,
    params: Params,
    carry: Carry,
    xs: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    reset: ArrayLike | None = None,
) -> Any:
    """Returns the inputs of every layer: [xs [T, B, D_l], ...]. Arguments and order are as in `observe`."""
    tree, layer_carries, _ = _find_layers(net, params, carry, xs)
    marked_carry = tree.unflatten([Recorded(layer_carry) for layer_carry in layer_carries])
    final_carry, _ = net.with_unroll(_reading).apply(params, marked_carry, xs, mask=mask, reset=reset)
    return [record.content for record in tree.flatten_up_to(final_carry)]


def carries(net, params, carry, xs):
    """Returns the carry of every layer from the net's carry: [carry, ...]. Arguments and order are as in `observe`."""
    return _find_layers(net, params, carry, xs)[1]


def states(carry):
    """Returns the names of the leaves of a carry or of gates, in order, such as ["c", "h"]."""
    return [path[-1].name for path, _ in jax.tree_util.tree_flatten_with_path(carry)[0]]


def _find_layers(net, params, carry, xs):
    """Finds the layers in the net's carry: returns (a tree with one leaf per layer, [carry], [(params, `_Run`)])."""

    def marking(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        return Recorded(carry, (params, _Run(cell, reverse))), jnp.zeros((*xs.shape[:-1], cell.size), xs.dtype)

    def is_record(node):
        return isinstance(node, Recorded)

    marked, _ = net.with_unroll(marking).apply(params, carry, xs)
    tree = jax.tree.structure(marked, is_leaf=is_record)
    records = [record for record in jax.tree.leaves(marked, is_leaf=is_record) if is_record(record)]
    if len(records) != tree.num_leaves:
        raise ValueError("this net has a carry outside its recurrent layers, which cannot be recorded")
    return tree, [record.carry for record in records], [record.content for record in records]


@jax.tree_util.register_static
@dataclass(frozen=True, eq=False)
class _Run:
    """Settings of a layer's unroll, as a pytree without arrays."""

    cell: Cell
    reverse: bool


def _scan_unrecorded(unroll):
    """Wraps a recording unroll: it records a layer that gets a `Recorded`, and scans a decoder, which gets a carry."""

    def either(cell, params, carry, xs, **options):
        chosen = unroll if isinstance(carry, Recorded) else scan
        return chosen(cell, params, carry, xs, **options)

    return either


@_scan_unrecorded
def _reading(cell, params, record, xs, *, mask=None, reset=None, reverse=False):
    """Unroll that records the inputs of the layer."""
    final, ys = scan(cell, params, record.carry, xs, mask=mask, reset=reset, reverse=reverse)
    return Recorded(final, xs), ys


@_scan_unrecorded
def _observing(cell, params, record, xs, *, mask=None, reset=None, reverse=False):
    """Unroll that adds perturbations and records carries and gates."""
    carry, perturbations = record
    rank = xs.ndim - 2
    observed_cell, inputs = carry_as_output(cell), xs
    if perturbations is not None:
        observed_cell = carry_as_output(perturbed(cell))
        inputs = jnp.concatenate([xs, flat(perturbations, rank + 1)], axis=-1)
    final, ys = scan(observed_cell, params, carry, inputs, mask=mask, reset=reset, reverse=reverse)
    ys, carries = ys[..., : cell.size], unflat(ys[..., cell.size :], carry, rank)
    gates = None
    if cell.gates is not None:
        _, values = scan(gates_as_output(cell), params, carry, xs, mask=mask, reset=reset, reverse=reverse)
        gates = unflat(values[..., cell.size :], _gates_like(cell, params, carry, xs[0]), rank)
    return Recorded(final, Layer(carries, gates)), ys


@_scan_unrecorded
def _projecting(cell, params, record, xs, *, mask=None, reset=None, reverse=False):
    """Unroll that records the contribution of every step to the gradient of the weights, along a direction."""
    carry, (adjoints, direction) = record
    rank = xs.ndim - 2

    def step(params, carry, u):  # outputs the carry that enters the step, after any reset
        new_carry, h = cell.step(params, carry, u)
        return new_carry, jnp.concatenate([h, flat(carry, rank)], axis=-1)

    final, ys = scan(cell._replace(step=step), params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    entering = unflat(ys[..., cell.size :], carry, rank)
    xs = xs if mask is None else jnp.where(mask[..., None], xs, 0)

    def along(x_t, entering_carry, adjoint):
        def next_carry(params):
            return cell.step(params, entering_carry, cell.project(params, x_t))[0]

        carry_change = jax.jvp(next_carry, (params,), (direction,))[1]
        return jnp.sum(flat(carry_change, rank) * flat(adjoint, rank), axis=-1)

    return Recorded(final, jax.vmap(along)(xs, entering, adjoints)), ys[..., : cell.size]


def _gates_like(cell, params, carry, x_t):
    return jax.eval_shape(lambda: cell.gates(params, carry, cell.project(params, x_t)))
