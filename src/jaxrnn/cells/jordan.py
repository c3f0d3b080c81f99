"""Network of Jordan 1986, "Serial order": the last output feeds back, not the hidden state.

    h_t = phi(x_t W_x + y_{t-1} W_h + b_h)
    y_t = psi(h_t W_y + b_y)

The output of the cell is y_t, so a network of Jordan cells needs no readout.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.cells.step import ACTIVATIONS, carry_dtype, dot
from jaxrnn.cells.structure import Step
from jaxrnn.initializers import glorot, orthogonal
from jaxrnn.types import Cell, Size


class JordanParams(NamedTuple):
    w_x: jax.Array  # [D, H]
    w_h: jax.Array  # [K, H]
    b_h: jax.Array  # [H]
    w_y: jax.Array  # [H, K]
    b_y: jax.Array  # [K]


class JordanCarry(NamedTuple):
    y: jax.Array  # [B, K]


@checked
def cell(
    size: Size,
    output_size: Size,
    activation: Literal["tanh", "relu", "linear"] = "tanh",
    output_activation: Literal["tanh", "relu", "linear"] = "linear",
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = orthogonal(),
    output_init: Callable[..., Any] = glorot(),
) -> Cell:
    """Jordan cell.

    Args:
      size: H, the number of hidden units.
      output_size: K, the number of outputs, which are also the carry; `Cell.size` is K.
      activation: phi.
      output_activation: psi.
      input_init, recurrent_init, output_init: initial W_x, W_h and W_y; the biases start at zero.
    """
    phi, psi = ACTIVATIONS[activation], ACTIVATIONS[output_activation]

    def init(key, input_size):
        key_x, key_h, key_y = jax.random.split(key, 3)
        return JordanParams(
            w_x=input_init(key_x, (input_size, size)),
            w_h=recurrent_init(key_h, (output_size, size)),
            b_h=jnp.zeros(size),
            w_y=output_init(key_y, (size, output_size)),
            b_y=jnp.zeros(output_size),
        )

    def initial(params, batch_shape):
        return JordanCarry(jnp.zeros((*batch_shape, output_size), carry_dtype(params.w_h)))

    def project(params, x):
        return dot(x, params.w_x) + params.b_h

    def combine(params, carry, u, a):
        h = phi(u + a)
        y = psi(dot(h, params.w_y) + params.b_y)
        return JordanCarry(y), y

    return Cell(output_size, init, initial, project, Step(lambda carry: carry.y, combine, unit_by_unit=False))


def teacher_forced(cell: Cell) -> Cell:
    """Returns the Jordan cell that reads the true last output instead of its own (Williams & Zipser 1989).

    It has the params of the original cell, so the trained params can run on their own outputs. The input is
    [x_t, y*_{t-1}], width D + K. The caller resets y* at the start of a segment.
    """
    true_outputs = cell.size

    def project(params, x):
        return cell.project(params, x[..., :-true_outputs]), x[..., -true_outputs:]

    def step(params, carry, u):
        u_t, y_star = u
        return cell.step(params, JordanCarry(y_star), u_t)

    return cell._replace(
        init=lambda key, input_size: cell.init(key, input_size - true_outputs), project=project, step=step
    )
