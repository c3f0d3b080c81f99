"""A prediction of how many iterations Newton's method needs, from how errors grow along a short run.

An error that an iteration leaves at step s reaches step t multiplied by J_t ... J_{s+1}. So the errors of all steps add
up to at most

    A = max_t sum_{s <= t} |J_t ... J_{s+1}|,

about 1 / (1 - e^lambda) for a largest Lyapunov exponent lambda < 0, and growing like e^(lambda T) for lambda > 0
(Gonzalez et al. 2025, "Predictability enables parallelization of nonlinear state space models"). A short run measures A
and lambda. The number of iterations as a function of A is a fit (study `newton_steps`).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.cells.transforms import flat
from jaxrnn.types import Carry, Cell, Params
from jaxrnn.unroll.contract import step_of, steps_in_time

SHORT_RUN = 128  # steps over which the growth of errors is measured
MAX_PREDICTED = 12  # iterations; networks that need more may need any number
FIT_OFFSET, FIT_SLOPE = 2.5, 1.3  # iterations = FIT_OFFSET + FIT_SLOPE sqrt(A)


class Growth(NamedTuple):
    """Growth of errors along a sequence.

    Fields:
      exponent: [B], the largest Lyapunov exponent over the short run, in nats per step.
      amplification: [B], A of the whole sequence, at most 2 T because no network needs more than T iterations.
    """

    exponent: jax.Array
    amplification: jax.Array


def predicted_steps(measured: Growth) -> jax.Array:
    """Predicts the iterations of Newton's method: `Growth` [B] -> a number [], MAX_PREDICTED + 1 for any more."""
    needed = jnp.round(FIT_OFFSET + FIT_SLOPE * jnp.sqrt(jnp.max(measured.amplification)))
    return jnp.where(needed <= MAX_PREDICTED, needed, MAX_PREDICTED + 1).astype(int)  # NaN compares as false


def growth(
    cell: Cell,
    params: Params,
    carry: Carry,
    xs: jax.Array,
    *,
    mask: jax.Array | None = None,
    reset: jax.Array | None = None,
    reverse: bool = False,
) -> Growth:
    """Measures the `Growth` of errors by a perturbation over at most SHORT_RUN steps from the first valid one.

    A random tangent v_0 is pushed forwards, v_t = J_t v_{t-1}, and normalised at every step. The mean of ln |v_t| is
    the exponent, and the recursion A_t = 1 + |v_t| A_{t-1} is A along that tangent. After the short run A keeps growing
    at the measured exponent. Arguments as in `jaxrnn.unroll`.
    """
    short, limit = min(len(xs), SHORT_RUN), 2.0 * len(xs)
    inputs = _beginning(short, *steps_in_time(xs, mask, reset, reverse))
    params, carry, inputs = lax.stop_gradient((params, carry, inputs))
    step = step_of(cell, params, inputs[0])
    axes = xs.ndim - 2
    keys = iter(jax.random.split(jax.random.key(0), len(jax.tree.leaves(carry))))
    tangent = jax.tree.map(lambda a: jax.random.normal(next(keys), a.shape, a.dtype), carry)

    def follow(state, inputs):
        _, valid, restart = inputs
        carry, tangent, error_sum = state
        carry, pushed = jax.jvp(lambda z: step(z, inputs)[0], (carry,), (tangent,))
        size = jnp.linalg.norm(flat(pushed, axes), axis=-1)
        # A reset makes J_t zero; the tangent starts again from the one that entered the step.
        ended = jnp.zeros(size.shape, bool) if restart is None else restart
        scale = jnp.where(size > 0, 1 / jnp.where(size > 0, size, 1.0), 0.0)
        tangent = jax.tree.map(lambda a, first: _scaled(a, scale) + _scaled(first, ended), pushed, tangent)
        valid = jnp.ones(size.shape, bool) if valid is None else valid
        error_sum = jnp.minimum(valid + size * error_sum, limit)
        rate = jnp.log(jnp.maximum(size, jnp.finfo(size.dtype).tiny))
        return (carry, tangent, error_sum), (rate, valid & ~ended, error_sum)

    start = carry, _normalised(tangent, axes), jnp.zeros(xs.shape[1:-1], flat(carry, axes).dtype)
    _, (rates, counted, error_sums) = lax.scan(follow, start, inputs)
    exponent = jnp.sum(jnp.where(counted, rates, 0.0), axis=0) / jnp.maximum(jnp.sum(counted, axis=0), 1)
    # The exponent is limited because exp would overflow; `limit` is far smaller.
    later_growth = jnp.exp(jnp.minimum(jnp.maximum(exponent, 0.0) * (len(xs) - short), 50.0))
    return Growth(exponent, jnp.minimum(jnp.max(error_sums, axis=0) * later_growth, limit))


def _beginning(short, xs, mask, reset):
    """Returns the first `short` steps of (xs, mask, reset), counted from each sequence's first valid step."""
    if mask is None:
        return jax.tree.map(lambda a: a[:short], (xs, mask, reset))
    steps = jnp.argmax(mask, axis=0) + jnp.arange(short).reshape(-1, *[1] * (mask.ndim - 1))
    inside = jnp.minimum(steps, len(mask) - 1)
    valid = jnp.take_along_axis(mask, inside, axis=0) & (steps < len(mask))
    reset = None if reset is None else jnp.take_along_axis(reset, inside, axis=0)
    return jnp.take_along_axis(xs, inside[..., None], axis=0), valid, reset


def _normalised(tangent, axes):
    size = jnp.linalg.norm(flat(tangent, axes), axis=-1)
    return jax.tree.map(lambda a: _scaled(a, 1 / size), tangent)


def _scaled(a, factor):
    return a * factor.reshape(*factor.shape, *[1] * (a.ndim - factor.ndim)).astype(a.dtype)
