"""Unrolling parallel in time: the carries of all steps at once, as the root of z_t - F(z_{t-1}, x_t) = 0.

Newton's method replaces the recurrence by linear ones, z_t = J_t z_{t-1} + b_t with J_t = dF/dz at the last iterate,
each solved by an associative scan in log T steps (DEER, Lim et al. 2024). With what each unit does to
itself in the place of J_t it is a quasi-Newton method (Gonzalez et al. 2024): more iterations, each much
cheaper. The root is what the plain scan computes; where the iterations do not find it, the plain scan is run.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.cells._step import Dropped, Step, dot
from jaxrnn.cells._transforms import flat, unflat
from jaxrnn.jax_internals import is_affine
from jaxrnn.unroll._cell_derivatives import with_written_derivative
from jaxrnn.unroll._contract import in_time, scan, segments, step_of


def newton(cell, params, carry, xs, *, mask=None, reset=None, reverse=False, diagonal=False, tolerance=None,
           iterations=100):  # fmt: skip
    """`scan` by Newton's method; the options are those of `jaxrnn.unroll.newton.unroll`."""
    simplified = _unit_by_unit(cell) if diagonal else cell
    if len(xs) < 2 or xs.size == 0:
        return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    axes = xs.ndim - 2
    inputs = in_time(reverse, (xs, mask, segments(reset, reverse)))
    first = flat(carry, axes)
    zs = _states(cell, simplified, carry, axes, tolerance, iterations)(params, first, *inputs)
    _, ys = _all_steps(cell, carry, axes)(params, _before(first, zs), *inputs)
    last = jax.tree.map(lambda a, b: a.astype(b.dtype), unflat(zs[-1], carry, axes), carry)
    return last, in_time(reverse, ys)


def steps(cell, params, carry, xs, *, mask=None, reset=None, reverse=False, iterations=100):
    """How many iterations `newton` takes to find the carries, the last of which only shows that they have converged.

    Args:
      cell, params, carry, xs, mask, reset, reverse: as in `jaxrnn.unroll`.
      iterations: that are tried.

    Returns:
      The number []; iterations + 1 where they do not converge.
    """
    axes = xs.ndim - 2
    inputs = in_time(reverse, (xs, mask, segments(reset, reverse)))
    first = flat(carry, axes)
    limit = _limit(first.dtype, None)
    number, _, change = _iterated(cell, cell, carry, axes, limit, iterations)(params, first, *inputs)
    return jnp.asarray(number) if change is None else jnp.where(change <= limit, number, iterations + 1)


def _states(cell, simplified, carry, axes, tolerance, iterations):
    """(params, z_0 [B, C], inputs) -> the flat carries after every step [T, B, C].

    The iterations take their derivatives from the simplified cell, which may be the cell itself.
    """
    exact = _all_steps(cell, carry, axes)

    @jax.custom_jvp
    def states(params, first, *inputs):
        def one_by_one():
            def step(z, inputs):
                z = exact(params, z[None], *jax.tree.map(lambda a: a[None], inputs))[0][0]
                return z, z

            return lax.scan(step, first, inputs)[1]

        limit = _limit(first.dtype, tolerance)
        _, zs, change = _iterated(cell, simplified, carry, axes, limit, iterations)(params, first, *inputs)
        return zs if change is None else lax.cond(change <= limit, lambda: zs, one_by_one)

    states.defjvp(partial(_states_jvp, states, exact))
    return states


def _limit(dtype, tolerance):
    return jnp.finfo(dtype).eps ** 0.75 if tolerance is None else tolerance


def _iterated(cell, simplified, carry, axes, limit, iterations):
    """(params, z_0 [B, C], inputs) -> (iterations taken, carries [T, B, C], largest change of the last iteration).

    Of a cell that is linear in its carry one iteration gives the carries, and the change is None. Iterates are kept
    near what a step can give, the values of all F(z_{t-1}, x_t) and a quarter of their range beyond: where the
    products of J_t along the first guess overflow, or throw the iterates far away, the iterations go on from there. A
    carry that grows along the sequence, as of a ReLU network with W_h = I, takes more iterations than without.
    """
    diagonal = simplified is not cell
    exact, simplified = _all_steps(cell, carry, axes), _all_steps(simplified, carry, axes)
    values = len(jax.tree.leaves(carry)) if diagonal else None  # of a unit

    def solved(params, first, *inputs):
        def refined(zs):
            before = _before(first, zs)
            moved, jacobians = _linearised(lambda z: simplified(params, z, *inputs)[0], before, values)
            return _solved(jacobians, moved - _times(jacobians, before, values), values), moved

        def go_on(state):
            number, _, change = state
            return (number < iterations) & (change > limit) & jnp.isfinite(change)

        def iterate(state):
            number, zs, _ = state
            new = _within_reach(*refined(zs))
            return number + 1, new, jnp.max(jnp.abs(new - zs)) / jnp.maximum(1.0, jnp.max(jnp.abs(new)))

        guess = jnp.broadcast_to(first, (len(inputs[0]), *first.shape))
        if not diagonal and is_affine(lambda z: exact(params, z, *inputs)[0], guess):
            return 1, refined(guess)[0], None
        return lax.while_loop(go_on, iterate, (0, guess, jnp.finfo(first.dtype).max))

    return solved


def _within_reach(zs, moved):
    """Iterates [T, B, C] no further than a quarter of their range from the values that a step gives, unit by unit;
    those that are not finite give way to what the step gives."""
    low, high = jnp.min(moved, axis=0), jnp.max(moved, axis=0)
    room = (high - low) / 4
    return jnp.where(jnp.isfinite(zs), jnp.clip(zs, low - room, high + room), moved)


def _states_jvp(states, exact, primals, tangents):
    """The derivative of the states: dz_t = J_t dz_{t-1} + dF_t, one more associative scan."""
    (params, first, xs, *others), (d_params, d_first, d_xs, *_) = primals, tangents
    zs = states(*primals)

    def moved(params, first, xs):
        return exact(params, _before(first, zs), xs, *others)[0]

    _, jacobians = _linearised(lambda z: exact(params, z, xs, *others)[0], _before(first, zs), None)
    _, d_moved = jax.jvp(moved, (params, first, xs), (d_params, d_first, d_xs))
    return zs, _solved(jacobians, d_moved, None)


def _all_steps(cell, carry, axes):
    """(params, z_{t-1} [T, B, C], xs, mask, reset) -> (z_t [T, B, C], ys): every step from a carry of its own."""

    def steps(params, zs, *inputs):
        step = step_of(cell, params, inputs[0])

        def one(z, inputs):
            new, y = step(unflat(z, carry, axes), inputs)
            return flat(new, axes), y

        return jax.vmap(one)(zs, inputs)

    return steps


def _unit_by_unit(cell):
    """The cell with the same values, in whose derivative each unit feeds back to itself alone."""
    if not isinstance(cell.step, Step) or not cell.step.unit_by_unit:
        raise ValueError(
            "unroll.jacobian=diagonal needs a cell whose step acts unit by unit after its product with w_h: an elman, "
            "an lstm or a gru without a learned carry; unroll.jacobian=full takes every cell"
        )
    source, combine = cell.step.source, with_written_derivative(cell).step.combine

    def step(params, carry, u):
        z = source(carry)
        w = params.w_h.w if isinstance(params.w_h, Dropped) else params.w_h
        own = jnp.diagonal(w.reshape(cell.size, -1, cell.size), axis1=0, axis2=2).reshape(-1)
        moved = (z - lax.stop_gradient(z)).astype(own.dtype)
        a = lax.stop_gradient(dot(z, params.w_h)) + jnp.tile(moved, len(own) // cell.size) * own
        return combine(params, carry, u, a)

    return cell._replace(step=step)


def _before(first, zs):
    """The carry before every step: z_0, z_1, ... z_{T-1}."""
    return jnp.concatenate([first[None], zs[:-1]])


def _linearised(function, zs, values):
    """(function(zs), its Jacobians), those of the first step zero: z_0 is known.

    Args:
      function: [T, B, C] -> [T, B, C], each step and sequence by itself.
      values: of a unit, for blocks [T, B, C / values, values, values]; None for full Jacobians [T, B, C, C].
    """
    size = zs.shape[-1]
    basis = jnp.eye(size) if values is None else jnp.repeat(jnp.eye(values), size // values, axis=1)
    moved, push = jax.linearize(function, zs)
    columns = jax.vmap(lambda e: push(jnp.broadcast_to(e.astype(zs.dtype), zs.shape)), out_axes=-1)(basis)
    if values is not None:
        columns = columns.reshape(*zs.shape[:-1], values, -1, values).swapaxes(-3, -2)
    return moved, columns.at[0].set(0.0)


def _times(jacobians, zs, values):
    """J_t z_t for vectors [T, B, C]."""
    if values is None:
        return _product(jacobians, zs[..., None])[..., 0]
    units = zs.reshape(*zs.shape[:-1], values, -1).swapaxes(-1, -2)
    return _product(jacobians, units[..., None])[..., 0].swapaxes(-1, -2).reshape(zs.shape)


def _solved(jacobians, offsets, values):
    """z_t = J_t z_{t-1} + b_t for all t, with J_1 = 0."""
    shape = offsets.shape
    if values is not None:
        offsets = offsets.reshape(*shape[:-1], values, -1).swapaxes(-1, -2)

    def after(earlier, later):
        (j_1, b_1), (j_2, b_2) = earlier, later
        return _product(j_2, j_1), _product(j_2, b_1[..., None])[..., 0] + b_2

    zs = lax.associative_scan(after, (jacobians, offsets))[1]
    return zs if values is None else zs.swapaxes(-1, -2).reshape(shape)


def _product(a, b):
    """Matrix products [..., n, n] [..., n, m]; small ones as sums, which fuse."""
    if a.shape[-1] > 4:
        return a @ b
    return jnp.sum(a[..., :, :, None] * b[..., None, :, :], axis=-2)
