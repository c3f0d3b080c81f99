"""Unrolling parallel in time: Newton's method for the carries of all steps at once.

Let F_t be step t of the cell. The carries are the root of z_t - F_t(z_{t-1}) = 0 for all t. Newton's method linearises
every step at the last iterate z^k, with J_t = dF_t/dz there:

    z_t = J_t z_{t-1} + b_t,    b_t = F_t(z^k_{t-1}) - J_t z^k_{t-1}

Composing two such affine maps gives (J_2 J_1, J_2 b_1 + b_2). Composition is associative, so an associative scan solves
the recurrence in log T rounds (DEER, Lim et al. 2024). Keeping only the part of J_t by which each unit acts on itself
gives a quasi-Newton method (Gonzalez et al. 2024): more iterations, each of them much cheaper. Both have the same root,
the carries of the plain scan. If the iterations do not converge, the plain scan runs.

Shapes: a carry of C values is one vector z [C], its leaves side by side. With L values per unit, value l of unit n is
z[l C / L + n], and the block-diagonal Jacobians are [T, B, C / L, L, L].
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.cells.step import dot, split_dropout
from jaxrnn.cells.structure import step_with_product
from jaxrnn.cells.transforms import flat, unflat
from jaxrnn.jax_internals import is_affine
from jaxrnn.unroll._affine_recurrence import linearised, solved, times
from jaxrnn.unroll.cell_derivatives import with_written_derivative
from jaxrnn.unroll.contract import in_time, scan, step_of, steps_in_time


class _Recurrence(NamedTuple):
    """All steps of a sequence as one function of the carries before them.

    Fields:
      exact: (params, z_{t-1} [T, B, C], xs, mask, reset) -> (z_t [T, B, C], ys), every step from a carry of its own.
      simplified: the same values; its derivative is the J_t of the iterations.
      block: L, the values per unit, if the J_t are block-diagonal; None if they are full.
    """

    exact: Callable[..., Any]
    simplified: Callable[..., Any]
    block: int | None


def newton(
    cell, params, carry, xs, *, mask=None, reset=None, reverse=False, diagonal=False, tolerance=None, iterations=100
):
    """Unrolls like `scan`, by Newton's method.

    `jaxrnn.unroll.newton.unroll` explains the last three arguments; the others are as in `jaxrnn.unroll`.
    """
    recurrence = _recurrence(cell, carry, xs.ndim - 2, diagonal)
    if len(xs) < 2 or xs.size == 0:
        return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    axes = xs.ndim - 2
    inputs = steps_in_time(xs, mask, reset, reverse)
    first = flat(carry, axes)
    zs = _carries(recurrence, tolerance, iterations)(params, first, *inputs)
    _, ys = recurrence.exact(params, _before(first, zs), *inputs)
    last = jax.tree.map(lambda a, b: a.astype(b.dtype), unflat(zs[-1], carry, axes), carry)
    return last, in_time(reverse, ys)


def steps(cell, params, carry, xs, *, mask=None, reset=None, reverse=False, iterations=100):
    """Counts the iterations until the carries have converged; the last iteration only confirms it.

    Args:
      cell, params, carry, xs, mask, reset, reverse: as in `jaxrnn.unroll`.
      iterations: the largest number to try.

    Returns:
      The number []; iterations + 1 if the carries do not converge.
    """
    axes = xs.ndim - 2
    inputs = steps_in_time(xs, mask, reset, reverse)
    first = flat(carry, axes)
    limit = _limit(first.dtype, None)
    number, _, change = _iterate(_recurrence(cell, carry, axes), limit, iterations, params, first, inputs)
    return jnp.asarray(number) if change is None else jnp.where(change <= limit, number, iterations + 1)


def _recurrence(cell, carry, axes, diagonal=False):
    exact = _all_steps(cell, carry, axes)
    if not diagonal:
        return _Recurrence(exact, exact, None)
    return _Recurrence(exact, _all_steps(_unit_by_unit(cell), carry, axes), len(jax.tree.leaves(carry)))


def _all_steps(cell, carry, axes):
    """Returns `_Recurrence.exact` of a cell; `carry` has the structure of its carries, with `axes` batch axes."""

    def all_steps(params, zs, *inputs):
        step = step_of(cell, params, inputs[0])

        def flat_step(z, inputs):
            new_carry, y = step(unflat(z, carry, axes), inputs)
            return flat(new_carry, axes), y

        return jax.vmap(flat_step)(zs, inputs)

    return all_steps


def _unit_by_unit(cell):
    """Returns the cell with the same values, in whose derivative each unit acts on itself only.

    The product z W_h is constant in the derivative; added to it is w_nn (z_n - stop_gradient(z_n)), which is zero and
    has the derivative of the product's diagonal.
    """
    product = step_with_product(cell)
    if product is None or not product.unit_by_unit:
        raise ValueError(
            "unroll.jacobian=diagonal needs a cell whose step acts unit by unit after its product with w_h: an elman, "
            "an lstm or a gru without a learned carry; unroll.jacobian=full takes every cell"
        )
    combine = with_written_derivative(cell).step.combine

    def step(params, carry, u):
        z, (w, _) = product.source(carry), split_dropout(params.w_h)
        diagonal = jnp.diagonal(w.reshape(cell.size, -1, cell.size), axis1=0, axis2=2).reshape(-1)
        zero = (z - lax.stop_gradient(z)).astype(diagonal.dtype)
        a = lax.stop_gradient(dot(z, params.w_h)) + jnp.tile(zero, len(diagonal) // cell.size) * diagonal
        return combine(params, carry, u, a)

    return cell._replace(step=step)


def _carries(recurrence, tolerance, iterations):
    """Returns (params, z_0 [B, C], *inputs) -> carries after every step [T, B, C]; `_carries_jvp` differentiates it."""

    @jax.custom_jvp
    def carries(params, first, *inputs):
        def one_by_one():
            def step(z, inputs):
                z = recurrence.exact(params, z[None], *jax.tree.map(lambda a: a[None], inputs))[0][0]
                return z, z

            return lax.scan(step, first, inputs)[1]

        limit = _limit(first.dtype, tolerance)
        _, zs, change = _iterate(recurrence, limit, iterations, params, first, inputs)
        return zs if change is None else lax.cond(change <= limit, lambda: zs, one_by_one)

    carries.defjvp(partial(_carries_jvp, carries, recurrence.exact))
    return carries


def _carries_jvp(carries, exact, primals, tangents):
    """Computes the derivative at the root: dz_t = J_t dz_{t-1} + dF_t, one more affine recurrence, with the full J_t.

    dF_t is the change of step t by params, inputs and the first carry, with z_1 ... z_{T-1} held fixed.
    """
    (params, first, xs, *others), (d_params, d_first, d_xs, *_) = primals, tangents
    zs = carries(*primals)

    def stepped(params, first, xs):
        return exact(params, _before(first, zs), xs, *others)[0]

    _, jacobians = linearised(lambda z: exact(params, z, xs, *others)[0], _before(first, zs), None)
    _, d_stepped = jax.jvp(stepped, (params, first, xs), (d_params, d_first, d_xs))
    return zs, solved(jacobians, d_stepped, None)


def _limit(dtype, tolerance):
    """Returns the largest change that counts as converged.

    An iteration of Newton's method leaves about the square of the error before it, so after a change of eps^(3/4) the
    error is far below eps. A limit near eps itself might never be reached, because rounding errors remain.
    """
    return jnp.finfo(dtype).eps ** 0.75 if tolerance is None else tolerance


def _iterate(recurrence, limit, iterations, params, first, inputs):
    """Iterates from z_0 at every step until the largest change of a value is at most `limit`.

    Returns:
      (number of iterations, carries [T, B, C], largest change in the last iteration). If the cell is linear in its
      carry, one iteration gives the carries exactly and the change is None.
    """
    block = recurrence.block

    def refine(zs):
        before = _before(first, zs)
        stepped, jacobians = linearised(lambda z: recurrence.simplified(params, z, *inputs)[0], before, block)
        return solved(jacobians, stepped - times(jacobians, before, block), block), stepped

    def is_unfinished(state):
        number, _, change = state
        return (number < iterations) & (change > limit) & jnp.isfinite(change)

    def iterate(state):
        number, zs, _ = state
        new = _within_reach(*refine(zs))
        return number + 1, new, jnp.max(jnp.abs(new - zs)) / jnp.maximum(1.0, jnp.max(jnp.abs(new)))

    guess = jnp.broadcast_to(first, (len(inputs[0]), *first.shape))
    if block is None and is_affine(lambda z: recurrence.exact(params, z, *inputs)[0], guess):
        return 1, refine(guess)[0], None
    return lax.while_loop(is_unfinished, iterate, (0, guess, jnp.finfo(first.dtype).max))


def _within_reach(zs, stepped):
    """Clips iterates [T, B, C] to the range of the values F_t(z_{t-1}), widened by a quarter on each side.

    Products of J_t along a bad guess may overflow or throw an iterate far away; from the clipped iterate Newton's
    method still converges. Iterates that are not finite become F_t(z_{t-1}). A carry that grows
    along the sequence, as in a ReLU network with W_h = I, takes more iterations for this reason.
    """
    low, high = jnp.min(stepped, axis=0), jnp.max(stepped, axis=0)
    margin = (high - low) / 4
    return jnp.where(jnp.isfinite(zs), jnp.clip(zs, low - margin, high + margin), stepped)


def _before(first, zs):
    """Returns the carry before every step: z_0, z_1, ... z_{T-1}."""
    return jnp.concatenate([first[None], zs[:-1]])
