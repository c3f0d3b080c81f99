"""From a cell to another cell: a learned initial carry, what is hidden as outputs, perturbed and clipped carries."""

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells._step import carry_dtype
from jaxrnn.norms import norm
from jaxrnn.types import Carry, Cell

ANY_WIDTH = 1024  # of an input whose width does not matter, where only shapes are asked for


class LearnedParams(NamedTuple):
    """Params of a cell whose initial carry is learned.

    Fields:
      cell: the params of the cell itself.
      initial: the initial carry of one sequence, leaves [...] without batch axes.
    """

    cell: Any
    initial: Carry


def learned(cell):
    """The cell with an initial carry that is trained with its weights, zero at first; shared by all sequences."""

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
    """The cell with its carry as outputs: [h_t, carry_t], the leaves of the carry side by side, width H + C."""

    def step(params, carry, u):
        carry, h = cell.step(params, carry, u)
        return carry, jnp.concatenate([h, flat(carry, h.ndim - 1)], axis=-1)

    return cell._replace(size=cell.size + carry_size(cell), step=step)


def gates_as_output(cell):
    """The cell with its gates as outputs: [h_t, gates_t] in the order of the cell's gates, side by side.

    Raises:
      ValueError: if the cell has no gates.
    """
    if cell.gates is None:
        raise ValueError("this cell has no gates to look at; an LSTM or a GRU has")

    def step(params, carry, u):
        values = cell.gates(params, carry, u)
        carry, h = cell.step(params, carry, u)
        return carry, jnp.concatenate([h, *values], axis=-1)

    def gates():
        params = cell.init(jax.random.key(0), ANY_WIDTH)
        return cell.gates(params, cell.initial(params, ()), cell.project(params, jnp.zeros(ANY_WIDTH)))

    return cell._replace(size=cell.size + sum(gate.shape[-1] for gate in jax.eval_shape(gates)), step=step)


def perturbed(cell):
    """The cell with a perturbation added to its carry after every step; its gradient is dL/dcarry_t.

    Its input is [x_t, delta_t], width D + C, the perturbation flat as `carry_as_output` shows the carry. One backward
    pass gives the gradient at every t. Where the output h_t is a leaf of the carry, as in all our cells, it is
    perturbed too, so dL/dh_t counts what h_t does to the loss at once as well as through the steps that follow.
    """
    width = carry_size(cell)

    def project(params, x):
        return cell.project(params, x[..., :-width]), x[..., -width:]

    def step(params, carry, u):
        u_t, delta = u
        carry, h = cell.step(params, carry, u_t)
        deltas = unflat(delta, carry, h.ndim - 1)
        moved = jax.tree.map(lambda a, b: a + b.astype(a.dtype), carry, deltas)
        outputs = zip(jax.tree.leaves(carry), jax.tree.leaves(moved), strict=True)
        return moved, next((new for old, new in outputs if old is h), h)

    return cell._replace(init=lambda key, input_size: cell.init(key, input_size - width), project=project, step=step)


def clipped(cell, threshold):
    """The cell whose carry passes back a gradient of norm `threshold` at most, sequence by sequence.

    The clipping is inside the backward loop: it acts at every step that the gradient goes back, not on their sum
    (Graves 2013, section 2.1, cuts the derivatives in the same place). The values do not change.

    Args:
      cell: a `Cell`.
      threshold: largest L2 norm of dL/dcarry_t of one sequence.
    """

    def step(params, carry, u):
        return cell.step(params, _limited(carry, threshold, jax.tree.leaves(u)[0].ndim - 1), u)

    return cell._replace(step=step)


def carry_size(cell):
    """C, the number of values that the cell's carry holds for one sequence."""
    carry = jax.eval_shape(lambda: cell.initial(cell.init(jax.random.key(0), ANY_WIDTH), ()))
    return sum(leaf.size for leaf in jax.tree.leaves(carry))


def flat(carry, batch_axes):
    """The leaves of a carry side by side: [B..., C] with `batch_axes` leading axes kept."""
    leaves = jax.tree.leaves(carry)
    return jnp.concatenate([leaf.reshape(*leaf.shape[:batch_axes], -1) for leaf in leaves], axis=-1)


def unflat(values, carry, batch_axes):
    """Values [..., C] as a carry like the one given, whose leading `batch_axes` axes are the values' leading axes."""
    leaves, tree = jax.tree.flatten(carry)
    shapes = [leaf.shape[batch_axes:] for leaf in leaves]
    parts = jnp.split(values, np.cumsum([math.prod(shape) for shape in shapes])[:-1], axis=-1)
    return tree.unflatten([a.reshape(*values.shape[:-1], *shape) for a, shape in zip(parts, shapes, strict=True)])


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
