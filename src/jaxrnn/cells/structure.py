"""The structure of a cell, for unrolls, layers and studies that use more of it than its values.

A cell tells its structure by the type of its `step`: `Step`, `Linear`, or a function with neither structure. A cell
that wraps the step of another cell has a new step and does not inherit the structure.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxrnn.cells.step import dot


class Step(NamedTuple):
    """Step with one product of the carry: a_t = source(carry) W_h, then combine.

    Unrolls that compute the product separately, such as `jaxrnn.unroll.deferred`, need such a step.

    Fields:
      source: carry -> [..., H], the vector that W_h multiplies.
      combine: (params, carry, u_t, a_t) -> (carry, h_t). It does not read `w_h`.
      unit_by_unit: whether combine acts on each unit separately.
      equations: "lstm" or "gru" if combine computes the equations of that file, otherwise None. `jaxrnn.unroll` holds
        hand-written derivatives of these.
    """

    source: Callable[..., Any]
    combine: Callable[..., Any]
    unit_by_unit: bool = True
    equations: str | None = None

    def __call__(self, params, carry, u):
        return self.combine(params, carry, u, dot(self.source(carry), params.w_h))


class Linear(NamedTuple):
    """Step s_t = a_t * s_{t-1} + b_t, where a_t and b_t depend only on the input, with h_t a function of s_t.

    `jaxrnn.unroll.associative` computes all s_t at once (Blelloch 1990; Martin & Cundy 2018).

    Fields:
      coefficients: (params, u_t) -> (a_t, b_t), [..., H] each, complex if the state is complex.
      read: (params, s_t) -> h_t [..., H].
      state: carry -> s.
      carry: s -> carry.
    """

    coefficients: Callable[..., Any]
    read: Callable[..., Any]
    state: Callable[..., Any]
    carry: Callable[..., Any]

    def __call__(self, params, carry, u):
        a, b = self.coefficients(params, u)
        s = a * self.state(carry) + b
        return self.carry(s), self.read(params, s)


def step_with_product(cell):
    """Returns the cell's `Step`; None if its carry does not act through exactly one product with `w_h`."""
    return cell.step if isinstance(cell.step, Step) else None


def linear_step(cell):
    """Returns the cell's `Linear` step; None if its state is not a linear function of the previous state."""
    return cell.step if isinstance(cell.step, Linear) else None
