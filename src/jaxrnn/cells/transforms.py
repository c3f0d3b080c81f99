"""Functions from a cell to another cell: learned, visible, perturbed and clipped carries, and visible gates."""

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells.step import carry_dtype
from jaxrnn.keys import for_each_key
from jaxrnn.norms import norm
from jaxrnn.types import Carry, Cell

ANY_WIDTH = 1024  # input width for computing shapes that do not depend on it


class LearnedParams(NamedTuple):
    """Params of a cell whose initial carry is learned.

    Fields:
      cell: the params of the cell itself.
      initial: the initial carry of one sequence, leaves [...] without batch axes.
    """

    cell: Any
    initial: Carry


def learned(cell):
    """Returns the cell with a trainable initial carry, which starts at zero and is shared by all sequences."""

    def init(key, input_size):
        params = cell.init(key, input_size)
        return LearnedParams(params, cell.initial(params, ()))

    def initial(params, batch_shape):
        return jax.tree.map(
            lambda a: jnp.broadcast_to(a.astype(carry_dtype(a)), (*batch_shape, *a.shape)), params.initial
        )

    def gates(params, carry, u):
        return cell.gates(params.cell, carry, u)

    return Cell(
        size=cell.size,
        init=init,
        initial=initial,
        project=lambda params, x: cell.project(params.cell, x),
        step=lambda params, carry, u: cell.step(params.cell, carry, u),
        gates=None if cell.gates is None else gates,
    )


def carry_as_output(cell):
    """Returns the cell with the outputs [h_t, carry_t], the leaves of the carry side by side, width H + C."""

    def step(params, carry, u):
        carry, h = cell.step(params, carry, u)
        return carry, jnp.concatenate([h, flat(carry, h.ndim - 1)], axis=-1)

    return cell._replace(size=cell.size + carry_size(cell), step=step)


def gates_as_output(cell):
    """Returns the cell with the outputs [h_t, gates_t], the gates side by side in the cell's order.

    Raises:
      ValueError: if the cell has no gates.
    """
    if cell.gates is None:
        raise ValueError("this cell has no gates: expected a cell with gates, such as an LSTM or a GRU")

    def step(params, carry, u):
        gates = cell.gates(params, carry, u)
        carry, h = cell.step(params, carry, u)
        return carry, jnp.concatenate([h, *gates], axis=-1)

    def example_gates():
        params = cell.init(jax.random.key(0), ANY_WIDTH)
        return cell.gates(params, cell.initial(params, ()), cell.project(params, jnp.zeros(ANY_WIDTH)))

    return cell._replace(size=cell.size + sum(gate.shape[-1] for gate in jax.eval_shape(example_gates)), step=step)


def perturbed(cell):
    """Returns the cell with a perturbation added to its carry after every step.

    The gradient by the perturbation is dL/dcarry_t, at every t after one backward pass. The input is [x_t, delta_t],
    width D + C, with the perturbation flat as in `carry_as_output`. If the output h_t is a leaf of the carry, as in all
    cells of this room, it is perturbed too. Then dL/dh_t counts both the direct influence of h_t on the loss and its
    influence through the following steps.
    """
    width = carry_size(cell)

    def project(params, x):
        return cell.project(params, x[..., :-width]), x[..., -width:]

    def step(params, carry, u):
        u_t, delta = u
        carry, h = cell.step(params, carry, u_t)
        deltas = unflat(delta, carry, h.ndim - 1)
        perturbed_carry = jax.tree.map(lambda a, b: a + b.astype(a.dtype), carry, deltas)
        return perturbed_carry, output_of(perturbed_carry, carry, h)

    gates = None if cell.gates is None else lambda params, carry, u: cell.gates(params, carry, u[0])
    return cell._replace(
        init=lambda key, input_size: cell.init(key, input_size - width), project=project, step=step, gates=gates
    )


def append_drawn(xs, key, draw):
    """Appends to the inputs xs [T, B, D] the values draw(key) [T, C] of every sequence: [T, B, D + C].

    Args:
      key: one PRNG key per sequence [B].
    """
    return jnp.concatenate([xs, jnp.moveaxis(for_each_key(draw, key), key.ndim, 0)], axis=-1)


def clipped(cell, threshold):
    """Returns the cell whose carry passes back a gradient of norm `threshold` at most, sequence by sequence.

    The clipping is inside the backward loop: it acts on the gradient at every step, not on the sum over steps (Graves
    2013, section 2.1, clips in the same place). The values do not change.

    Args:
      cell: a `Cell`.
      threshold: largest L2 norm of dL/dcarry_t for one sequence.
    """

    def step(params, carry, u):
        return cell.step(params, _limited(carry, threshold, jax.tree.leaves(u)[0].ndim - 1), u)

    return cell._replace(step=step)


def carry_size(cell):
    """Returns C, the number of values in the carry of one sequence."""
    carry = jax.eval_shape(lambda: cell.initial(cell.init(jax.random.key(0), ANY_WIDTH), ()))
    return sum(leaf.size for leaf in jax.tree.leaves(carry))


def flat(carry, batch_axes):
    """Returns the leaves of a carry side by side, [B..., C], with `batch_axes` leading axes."""
    leaves = jax.tree.leaves(carry)
    return jnp.concatenate([leaf.reshape(*leaf.shape[:batch_axes], -1) for leaf in leaves], axis=-1)


def unflat(values, carry, batch_axes):
    """Returns values [..., C] as a tree like `carry`, whose leaves have `batch_axes` leading axes: inverts `flat`."""
    leaves, tree = jax.tree.flatten(carry)
    shapes = [leaf.shape[batch_axes:] for leaf in leaves]
    parts = jnp.split(values, np.cumsum([math.prod(shape) for shape in shapes])[:-1], axis=-1)
    return tree.unflatten([a.reshape(*values.shape[:-1], *shape) for a, shape in zip(parts, shapes, strict=True)])


def output_of(new_carry, carry, h):
    """Returns the leaf of the new carry in the place where the output h is a leaf of the carry; h if it is not one."""
    pairs = zip(jax.tree.leaves(carry), jax.tree.leaves(new_carry), strict=True)
    return next((new for old, new in pairs if old is h), h)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _limited(carry, threshold, batch_axes):
    return carry


def _limited_forward(carry, threshold, batch_axes):
    return carry, threshold


def _limited_backward(batch_axes, threshold, gradient):
    size = norm(flat(gradient, batch_axes), axis=-1)
    scale = jnp.minimum(1.0, threshold / jnp.maximum(size, jnp.finfo(size.dtype).tiny))
    limited = jax.tree.map(lambda g: g * scale.reshape(*scale.shape, *[1] * (g.ndim - batch_axes)), gradient)
    return limited, jax.tree.map(jnp.zeros_like, threshold)


_limited.defvjp(_limited_forward, _limited_backward)
