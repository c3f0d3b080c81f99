"""Continuous-time recurrent network by Euler's method with step alpha = dt / tau (Sompolinsky et al. 1988).

    rate form:     h_t = (1 - alpha) h_{t-1} + alpha phi(x_t W_x + h_{t-1} W_h + b)
    current form:  v_t = (1 - alpha) v_{t-1} + alpha (x_t W_x + phi(v_{t-1}) W_h + b),  h_t = phi(v_t)

The rate form is the leaky network of echo states (Jaeger 2007). Sussillo & Barak 2013 use the current form.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from annotated_types import Interval

from jaxrnn.arguments import checked
from jaxrnn.cells.step import ACTIVATIONS, carry_dtype, dot
from jaxrnn.cells.structure import Step
from jaxrnn.initializers import gaussian, glorot
from jaxrnn.types import Cell, Size


class CTRNNParams(NamedTuple):
    w_x: jax.Array  # [D, H]
    w_h: jax.Array  # [H, H]
    b: jax.Array  # [H]


class CTRNNCarry(NamedTuple):
    v: jax.Array  # [B, H], rates or currents


@checked
def cell(
    size: Size,
    alpha: Annotated[float, Interval(gt=0, le=1)] = 0.2,
    form: Literal["rate", "current"] = "rate",
    activation: Literal["tanh", "relu", "linear"] = "tanh",
    input_init: Callable[..., Any] = glorot(),
    recurrent_init: Callable[..., Any] = gaussian(),
) -> Cell:
    """CTRNN cell.

    Args:
      size: H, the number of units.
      alpha: time step divided by the time constant; 1 gives an Elman cell.
      form: whether the carry holds rates or currents.
      activation: phi.
      input_init, recurrent_init: initial W_x and W_h; the bias starts at zero.
    """
    phi = ACTIVATIONS[activation]

    def init(key, input_size):
        key_x, key_h = jax.random.split(key)
        return CTRNNParams(input_init(key_x, (input_size, size)), recurrent_init(key_h, (size, size)), jnp.zeros(size))

    def initial(params, batch_shape):
        return CTRNNCarry(jnp.zeros((*batch_shape, size), carry_dtype(params.w_h)))

    def project(params, x):
        return dot(x, params.w_x) + params.b

    def combine(params, carry, u, a):
        drive = phi(u + a) if form == "rate" else u + a
        v = (1 - alpha) * carry.v + alpha * drive
        return CTRNNCarry(v), v if form == "rate" else phi(v)

    return Cell(size, init, initial, project, Step(lambda carry: carry.v if form == "rate" else phi(carry.v), combine))
