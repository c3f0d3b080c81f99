"""All steps at once by an associative scan, for cells whose state is a linear function of the previous state.

Each step is a map s -> a_t s + b_t. Two such maps compose to s -> (a_2 a_1) s + (a_2 b_1 + b_2), and composition is
associative, so log2 T rounds of products give all states (Blelloch 1990; Martin & Cundy 2018). A masked step is the map
(1, 0), and a restart is the map (0, a_t s_initial + b_t).
"""

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.cells.structure import linear_step
from jaxrnn.types import Carry, Cell, Params, Unroll
from jaxrnn.unroll.contract import cast_like, masked, segments, where


@checked
def unroll() -> Unroll:
    """Exact associative scan, for cells whose step is a `jaxrnn.cells.structure.Linear`."""
    return associative


def associative(
    cell: Cell,
    params: Params,
    carry: Carry,
    xs: jax.Array,
    *,
    mask: jax.Array | None = None,
    reset: jax.Array | None = None,
    reverse: bool = False,
) -> tuple[Carry, jax.Array]:
    """Unrolls like `jaxrnn.unroll.scan`; arguments and results as in `jaxrnn.unroll`.

    Raises:
      ValueError: if the state of the cell is not a linear function of the previous state.
    """
    step = linear_step(cell)
    if step is None:
        raise ValueError(
            "unroll=associative needs a cell whose state is a linear function of the previous state: expected lru, "
            "min_gru, min_lstm or rg_lru, without a learned carry or clipped gradients; unroll=newton takes any cell"
        )
    if not len(xs):
        return carry, step.read(params, jnp.zeros((0, *step.state(carry).shape)))
    a, b = step.coefficients(params, cell.project(params, masked(xs, mask)))
    restart, first = segments(reset, reverse), -1 if reverse else 0
    before = step.state(carry)
    if restart is not None:
        initial = step.state(cell.initial(params, xs.shape[1:-1]))
        a, b = where(restart, (jnp.zeros_like(a), a * initial + b), (a, b))
    if mask is not None:
        identity = jnp.ones_like(a), jnp.zeros_like(b)
        if restart is not None:  # a step that restarts but is not valid leaves the initial carry
            identity = where(restart, (jnp.zeros_like(a), jnp.broadcast_to(initial, b.shape)), identity)
        a, b = where(mask, (a, b), identity)
    b = b.at[first].add(a[first] * before)  # the scan starts from zero, so the first map takes the carry in
    states = lax.associative_scan(_compose, (a, b), reverse=reverse)[1]
    ys = masked(step.read(params, states), mask)
    return cast_like(step.carry(states[0 if reverse else -1]), carry), ys


def _compose(earlier, later):
    """Composes two maps s -> a s + b: the map of the earlier steps, followed by the map of the later steps."""
    return earlier[0] * later[0], later[0] * earlier[1] + later[1]
