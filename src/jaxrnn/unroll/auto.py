"""Unrolling in time step by step or parallel in time, whichever is expected to be faster.

Newton's method (`jaxrnn.unroll.newton`) pays where it needs few iterations. How many it needs follows from how errors
grow along the sequence: an error of step s that an iteration leaves is carried on by J_t ... J_{s+1}, so the errors of
all steps add up to at most

    A = max_t sum_{s <= t} |J_t ... J_{s+1}|        about 1 / (1 - e^lambda) for a largest exponent lambda < 0,

and grow like e^(lambda T) for lambda > 0 (Gonzalez et al. 2025, "Predictability enables parallelization of nonlinear
state space models"). Both are measured in a short run. The number of iterations as a function of A is a fit: see the
study `newton_steps`.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from jaxrnn.arguments import checked
from jaxrnn.cells._transforms import flat
from jaxrnn.types import Carry, Cell, Params, Size, Unroll
from jaxrnn.unroll._contract import in_time, segments, step_of
from jaxrnn.unroll._deferred import deferred
from jaxrnn.unroll._newton import newton

SHORT = 128  # steps of the run that measures how errors grow
MOST = 12  # iterations that are worth a prediction: networks that need more may need any number
AT_ONE, PER_ROOT = 2.5, 1.3  # the fit: iterations = AT_ONE + PER_ROOT sqrt(A)
JACOBIANS = 2**30  # bytes of Jacobians above which step by step is taken


class Growth(NamedTuple):
    """How errors grow along a sequence.

    Fields:
      exponent: [B], the largest Lyapunov exponent over the short run, in nats a step.
      amplification: [B], A of the whole sequence, at most 2 T: no network needs more than T iterations.
    """

    exponent: jax.Array
    amplification: jax.Array


class Costs(NamedTuple):
    """What a device takes, in seconds and per second.

    Fields:
      step: of one step of a loop that does next to nothing.
      launch: of one operation on arrays that are small.
      flops: floating point operations a second of products of small matrices.
      bandwidth: bytes a second.
    """

    step: float
    launch: float
    flops: float
    bandwidth: float


# Estimates for a GPU of the size of an A100; a CPU has no entry: its loops have nothing to wait for.
COSTS = {"gpu": Costs(25e-6, 6e-6, 5e12, 1e12), "tpu": Costs(10e-6, 4e-6, 5e12, 1e12)}


@checked
def unroll(affordable: Size | None = None) -> Unroll:
    """Newton's method where it is expected to be faster than step by step, else `deferred`, for a whole batch.

    The choice is made again at every call, from the weights and inputs that it is given. Under `vmap`, as in a compiled
    sweep on a GPU, both are run. The cell's step must have a derivative in forward mode.

    Args:
      affordable: iterations of Newton's method that take no longer than step by step; None to estimate them from the
        device and the shapes. On a CPU that is none, and `deferred` is all that is compiled.
    """

    def auto(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        given = {"mask": mask, "reset": reset, "reverse": reverse}
        long = len(xs) > 1 and xs.size > 0
        paid = affordable if affordable is not None else _affordable(carry, xs) if long else 0
        if paid < 2 or not long:
            return deferred(cell, params, carry, xs, **given)
        iterations = min(paid, MOST)
        expected = predicted(growth(cell, params, carry, xs, **given))
        return lax.cond(
            expected <= iterations,
            lambda: newton(cell, params, carry, xs, **given, iterations=iterations),
            lambda: deferred(cell, params, carry, xs, **given),
        )

    return auto


def predicted(measured: Any) -> Any:
    """How many iterations Newton's method is expected to take: `Growth` [B] -> a number [], MOST + 1 for any more."""
    needed = jnp.round(AT_ONE + PER_ROOT * jnp.sqrt(jnp.max(measured.amplification)))
    return jnp.where(needed <= MOST, needed, MOST + 1).astype(int)  # of NaN too


def growth(
    cell: Cell,
    params: Params,
    carry: Carry,
    xs: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    reset: ArrayLike | None = None,
    reverse: bool = False,
) -> Any:
    """The `Growth` of errors, from a perturbation that is followed over 128 steps at most, from the first valid one.

    Arguments as in `jaxrnn.unroll`.
    """
    short, most = min(len(xs), SHORT), 2.0 * len(xs)
    inputs = _beginning(short, *in_time(reverse, (xs, mask, segments(reset, reverse))))
    params, carry, inputs = lax.stop_gradient((params, carry, inputs))
    step = step_of(cell, params, inputs[0])
    axes = xs.ndim - 2
    keys = iter(jax.random.split(jax.random.key(0), len(jax.tree.leaves(carry))))
    tangent = jax.tree.map(lambda a: jax.random.normal(next(keys), a.shape, a.dtype), carry)

    def follow(state, inputs):
        _, valid, restart = inputs
        carry, tangent, sum_of_errors = state
        carry, moved = jax.jvp(lambda z: step(z, inputs)[0], (carry,), (tangent,))
        size = jnp.linalg.norm(flat(moved, axes), axis=-1)
        ended = jnp.zeros(size.shape, bool) if restart is None else restart  # a reset: another one begins
        scale = jnp.where(size > 0, 1 / jnp.where(size > 0, size, 1.0), 0.0)
        tangent = jax.tree.map(lambda a, first: _scaled(a, scale) + _scaled(first, ended), moved, tangent)
        valid = jnp.ones(size.shape, bool) if valid is None else valid
        sum_of_errors = jnp.minimum(valid + size * sum_of_errors, most)
        rate = jnp.log(jnp.maximum(size, jnp.finfo(size.dtype).tiny))
        return (carry, tangent, sum_of_errors), (rate, valid & ~ended, sum_of_errors)

    start = carry, _normalised(tangent, axes), jnp.zeros(xs.shape[1:-1], flat(carry, axes).dtype)
    _, (rates, counted, sums) = lax.scan(follow, start, inputs)
    exponent = jnp.sum(jnp.where(counted, rates, 0.0), axis=0) / jnp.maximum(jnp.sum(counted, axis=0), 1)
    further = jnp.exp(jnp.minimum(jnp.maximum(exponent, 0.0) * (len(xs) - short), 50.0))
    return Growth(exponent, jnp.minimum(jnp.max(sums, axis=0) * further, most))


def _beginning(short, xs, mask, reset):
    """So many steps of (xs, mask, reset) from each sequence's first valid one on."""
    if mask is None:
        return jax.tree.map(lambda a: a[:short], (xs, mask, reset))
    steps = jnp.argmax(mask, axis=0) + jnp.arange(short).reshape(-1, *[1] * (mask.ndim - 1))
    at = jnp.minimum(steps, len(mask) - 1)
    valid = jnp.take_along_axis(mask, at, axis=0) & (steps < len(mask))
    reset = None if reset is None else jnp.take_along_axis(reset, at, axis=0)
    return jnp.take_along_axis(xs, at[..., None], axis=0), valid, reset


def _normalised(tangent, axes):
    size = jnp.linalg.norm(flat(tangent, axes), axis=-1)
    return jax.tree.map(lambda a: _scaled(a, 1 / size), tangent)


def _scaled(a, factor):
    return a * factor.reshape(*factor.shape, *[1] * (a.ndim - factor.ndim)).astype(a.dtype)


def _affordable(carry, xs):
    """Iterations of Newton's method that are expected to take as long as step by step, the short run included."""
    costs = COSTS.get(jax.default_backend())
    if costs is None:
        return 0
    steps, rows = len(xs), math.prod(xs.shape[1:-1])
    values = sum(leaf.size for leaf in jax.tree.leaves(carry)) // max(rows, 1)
    numbers = steps * rows * values**2  # of all Jacobians
    if numbers * xs.dtype.itemsize > JACOBIANS:
        return 0
    iteration = 2 * math.log2(steps) * costs.launch + 4 * numbers * values / costs.flops
    iteration += 6 * numbers * xs.dtype.itemsize / costs.bandwidth
    return max(int((steps - 2 * min(steps, SHORT)) * costs.step / iteration), 0)
