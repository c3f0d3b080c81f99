"""Unrolls that record a layer from inside, for `jaxrnn.nets.recording.record`."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.cells.transforms import carry_as_output, flat, gates_as_output, perturbed, unflat
from jaxrnn.nets.recording import record
from jaxrnn.types import Carry, Cell, Params
from jaxrnn.unroll.contract import scan


class Layer(NamedTuple):
    """The record of one layer, or of one direction of a bidirectional layer.

    Fields:
      carries: the carry after every step, leaves [T, B, H].
      gates: the gates at every step, leaves [T, B, H]; None for a cell without gates.
    """

    carries: Carry
    gates: Any


class LayerCall(NamedTuple):
    """A recurrent layer as its net runs it: the arguments of its unroll."""

    cell: Cell
    params: Params
    carry: Carry
    reverse: bool


def find_layers(net, params, carry, xs):
    """Returns a `LayerCall` per recurrent layer, from the input to the output; arguments as in `Net.apply`.

    Each direction of a bidirectional layer is an entry.
    """
    return record(net, _call, None, params, carry, xs)[2]


def _call(instruction, cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """Unroll that computes no step and records the `LayerCall`; it takes no instruction."""
    return carry, jnp.zeros((*xs.shape[:-1], cell.size), xs.dtype), LayerCall(cell, params, carry, reverse)


def inputs_of(instruction, cell, params, carry, xs, **options):
    """Unroll that records the inputs of the layer, [T, B, D]; it takes no instruction."""
    return *scan(cell, params, carry, xs, **options), xs


def carries_and_gates(perturbations, cell, params, carry, xs, **options):
    """Unroll that records a `Layer`. The instruction is a perturbation of the carry after every step, or None.

    An unroll returns outputs, so the carries become outputs of the cell. The gates take a scan of their own, without
    the perturbation.
    """
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
    return last, ys, Layer(carries, gates)


def shares_along(instruction, cell, params, carry, xs, *, mask=None, **options):
    """Unroll that records the contribution of every step to the gradient of the weights along a direction, [T, B].

    Step t contributes <(dcarry_t / dW)^T a_t, d> = <a_t, (dcarry_t / dW) d> with the adjoint a_t = dL/dcarry_t and
    carry_{t-1} held constant. The right side is one forward-mode product per step, from the carry that entered it.
    The instruction is (adjoints, leaves [T, B, ...]; the direction d, with the structure of the layer's params).
    """
    adjoints, direction = instruction
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
    return last, outputs_and_carries[..., : cell.size], shares
