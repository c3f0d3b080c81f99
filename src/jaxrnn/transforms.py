"""Cell -> Cell."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.gates import carry_dtype
from jaxrnn.types import Carry, Cell


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
            lambda a: jnp.broadcast_to(a, (*batch_shape, *a.shape)).astype(carry_dtype(a)), params.initial
        )

    return Cell(
        size=cell.size,
        init=init,
        initial=initial,
        project=lambda params, x: cell.project(params.cell, x),
        step=lambda params, carry, u: cell.step(params.cell, carry, u),
    )
