"""Unrolls that record a layer from inside, and the way in and out of a net for what they read and record.

A net gives the carry of each layer to the layer's unroll and returns the carry that comes back. So the place of a
layer's carry inside the net's carry is a door to its unroll, in any net: instructions go in there, and records come
out, as the extra of an `Extended` carry. `find_layers` finds these places, `record` uses them.

In an encoder-decoder, only the encoder's layers are recorded, because its carry is the encoder's.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.cells.transforms import carry_as_output, flat, gates_as_output, perturbed, unflat
from jaxrnn.types import Carry, Cell
from jaxrnn.unroll.contract import Extended, is_extended, scan


class Layer(NamedTuple):
    """The record of one layer, or of one direction of a bidirectional layer.

    Fields:
      carries: the carry after every step, leaves [T, B, H].
      gates: the gates at every step, leaves [T, B, H]; None for a cell without gates.
    """

    carries: Carry
    gates: Any


class Layers(NamedTuple):
    """The recurrent layers of a net, from the input to the output; each direction of a layer is an entry.

    Fields:
      tree: the structure of the net's carry, with one leaf per layer.
      carries, params, cells: the carry, the params and the cell of every layer.
      reversed: whether each layer runs backwards.
    """

    tree: Any
    carries: list[Carry]
    params: list[Any]
    cells: list[Cell]
    reversed: list[bool]


@jax.tree_util.register_static
@dataclass(frozen=True, eq=False)
class _Settings:
    """Settings of a layer's unroll, as a pytree without arrays."""

    cell: Cell
    reverse: bool


def find_layers(net, params, carry, xs):
    """Returns the `Layers` of a net; arguments as in `Net.apply`.

    Raises:
      ValueError: if a part of the net's carry belongs to no recurrent layer.
    """

    def marking(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        return Extended(carry, (params, _Settings(cell, reverse))), jnp.zeros((*xs.shape[:-1], cell.size), xs.dtype)

    marked, _ = net.with_unroll(marking).apply(params, carry, xs)
    leaves, tree = jax.tree.flatten(marked, is_leaf=is_extended)
    if not all(map(is_extended, leaves)):
        raise ValueError("this net has a carry outside its recurrent layers, which cannot be recorded")
    marks = [leaf.extra for leaf in leaves]
    return Layers(
        tree=tree,
        carries=[leaf.carry for leaf in leaves],
        params=[layer_params for layer_params, _ in marks],
        cells=[settings.cell for _, settings in marks],
        reversed=[settings.reverse for _, settings in marks],
    )


def record(net, unroll, layers, instructions, params, xs, **options):
    """Runs a net with a recording unroll.

    Args:
      net, params, xs, options: as in `Net.apply`.
      unroll: one of the unrolls below. The decoder of an encoder-decoder gets an ordinary carry and the plain scan.
      layers: the `Layers` of the net.
      instructions: one per layer; they reach the unroll as the extra of the layer's carry.

    Returns:
      (carry, ys, [what the unroll recorded, one per layer]).
    """

    def of_recorded_layers(cell, params, carry, xs, **flags):
        chosen = unroll if is_extended(carry) else scan
        return chosen(cell, params, carry, xs, **flags)

    first = [Extended(*pair) for pair in zip(layers.carries, instructions, strict=True)]
    last, ys = net.with_unroll(of_recorded_layers).apply(params, layers.tree.unflatten(first), xs, **options)
    returned = layers.tree.flatten_up_to(last)
    return layers.tree.unflatten([each.carry for each in returned]), ys, [each.extra for each in returned]


def inputs_of(cell, params, extended, xs, **options):
    """Unroll that records the inputs of the layer, [T, B, D]; it takes no instructions."""
    last, ys = scan(cell, params, extended.carry, xs, **options)
    return Extended(last, xs), ys


def carries_and_gates(cell, params, extended, xs, **options):
    """Unroll that records a `Layer`. Instructions: a perturbation of the carry after every step, or None.

    An unroll returns outputs, so the carries become outputs of the cell. The gates take a scan of their own, because a
    perturbed cell has none.
    """
    carry, perturbations = extended
    batch_axes = xs.ndim - 2
    observed, inputs = carry_as_output(cell), xs
    if perturbations is not None:
        observed = carry_as_output(perturbed(cell))
        inputs = jnp.concatenate([xs, flat(perturbations, batch_axes + 1)], axis=-1)
    last, outputs_and_carries = scan(observed, params, carry, inputs, **options)
    ys = outputs_and_carries[..., : cell.size]
    carries = unflat(outputs_and_carries[..., cell.size :], carry, batch_axes)
    gates = None
    if cell.gates is not None:
        _, outputs_and_gates = scan(gates_as_output(cell), params, carry, xs, **options)
        one_step = jax.eval_shape(lambda: cell.gates(params, carry, cell.project(params, xs[0])))
        gates = unflat(outputs_and_gates[..., cell.size :], one_step, batch_axes)
    return Extended(last, Layer(carries, gates)), ys


def shares_along(cell, params, extended, xs, *, mask=None, **options):
    """Unroll that records the contribution of every step to the gradient of the weights along a direction, [T, B].

    Step t contributes <(dcarry_t / dW)^T a_t, d> = <a_t, (dcarry_t / dW) d> with the adjoint a_t = dL/dcarry_t and
    carry_{t-1} held constant. The right side is one forward-mode product per step, from the carry that entered it.
    Instructions: (adjoints, leaves [T, B, ...]; the direction d, with the structure of the layer's params).
    """
    carry, (adjoints, direction) = extended
    batch_axes = xs.ndim - 2

    def step(params, carry, u):  # outputs the carry that enters the step, after any reset
        new_carry, h = cell.step(params, carry, u)
        return new_carry, jnp.concatenate([h, flat(carry, batch_axes)], axis=-1)

    last, outputs_and_carries = scan(cell._replace(step=step), params, carry, xs, mask=mask, **options)
    entering = unflat(outputs_and_carries[..., cell.size :], carry, batch_axes)
    xs = xs if mask is None else jnp.where(mask[..., None], xs, 0)

    def share(x_t, entering_carry, adjoint):
        def next_carry(params):
            return cell.step(params, entering_carry, cell.project(params, x_t))[0]

        carry_change = jax.jvp(next_carry, (params,), (direction,))[1]
        return jnp.sum(flat(carry_change, batch_axes) * flat(adjoint, batch_axes), axis=-1)

    shares = jax.vmap(share)(xs, entering, adjoints)
    return Extended(last, shares), outputs_and_carries[..., : cell.size]
