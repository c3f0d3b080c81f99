"""Gradients that are taken forwards: what the params did to the carry so far is followed from step to step.

The values are those of `scan`; the backward pass is replaced. With s_t the carry of a sequence as a vector, theta the
params, and

    J_t = d s_t / d s_{t-1},   G_t = d s_t / d theta at a fixed s_{t-1},   M_t = d s_t / d theta = J_t M_{t-1} + G_t,

the gradient is the sum over all steps of dL/dh_t dh_t/dtheta (Williams & Zipser 1989). The rules differ in what they
keep of M_t. The first carry is followed as the params are. The weights do not change within a sequence. The gradient of
the inputs, by which a layer below is trained, is that of each step alone: what an input does to later steps is not in
it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree

from jaxrnn.cells._dropout import is_recurrent
from jaxrnn.cells._step import Dropped, Step, dot
from jaxrnn.unroll._cell_derivatives import with_written_derivative
from jaxrnn.unroll._contract import in_time, scan, segments, step_of

TINY = 1e-12  # beside a norm, which may be zero


class Differential(NamedTuple):
    """The differential of a step at (s_{t-1}, theta), of one sequence with a carry of C values and P params.

    Fields:
      push: d s_{t-1} [C] -> (d s_t, d h_t) side by side [C + H].
      pull: cotangents of both [C + H] -> those of theta [P], followed by C zeros for the first carry.
    """

    push: Callable[..., Any]
    pull: Callable[..., Any]


class Rule(NamedTuple):
    """How the influence of the params, and of the first carry, on the carry is followed, for one sequence.

    Fields:
      begin: (at, C, P, dtype, key) -> memory before the first step. `at` is key -> the `Differential` of a step at
        drawn values, to find out which values depend on which.
      follow: (memory, differential, dL/dh_t [H], key) -> (memory, gradient [P + C]).
      end: (memory, dL/ds_T [C]) -> gradient [P + C].
      held: whether the product with the recurrent weights passes nothing on from s_{t-1}.
      accepts: params -> None; raises ValueError for those of a cell that the rule cannot follow.
    """

    begin: Callable[..., Any]
    follow: Callable[..., Any]
    end: Callable[..., Any]
    held: bool = False
    accepts: Callable[..., Any] = lambda params: None


def online(rule, name, seed=0):
    """The unroll of a `Rule`.

    Args:
      rule: the rule.
      name: of the unroll, for messages.
      seed: of its draws, which change with the gradient that comes in, from update to update.
    """

    def unroll(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        cells = followed(rule, cell, params, name)

        @jax.custom_vjp
        def layer(params, carry, xs, mask, reset):
            return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)

        def forward(*given):
            return layer(*given), given

        def backward(given, cotangents):
            return (*_gradients(rule, cells, given, cotangents, reverse, seed), None, None)

        layer.defvjp(forward, backward)
        return layer(params, carry, xs, mask, reset)

    return unroll


def followed(rule, cell, params, name):
    """(the cell, the cell whose differential is pushed forwards), if the rule can follow such params."""
    leaves = jax.tree.leaves(params, is_leaf=lambda leaf: isinstance(leaf, Dropped))
    if any(isinstance(leaf, Dropped) for leaf in leaves):
        raise ValueError(f"unroll={name} follows weights that all sequences share; set model.recurrent_dropout=null")
    rule.accepts(params)
    return cell, _with_held_product(cell, params, name) if rule.held else cell


def _with_held_product(cell, params, name):
    """The cell whose product with the recurrent weights passes nothing on from the carry before."""
    if not any(is_recurrent(path) for path, _ in jax.tree.leaves_with_path(params)):
        return cell  # it has no such product
    if not isinstance(cell.step, Step):
        raise ValueError(f"unroll={name} needs a cell whose carry acts through one product with w_h, or none")
    source, combine = cell.step.source, with_written_derivative(cell).step.combine

    def step(params, carry, u):
        return combine(params, carry, u, dot(lax.stop_gradient(source(carry)), params.w_h))

    return cell._replace(step=step)


def _gradients(rule, cells, given, cotangents, reverse, seed):
    """The gradients of params, carry and xs, of all sequences."""
    (params, carry, xs, mask, reset), (after, seen) = given, cotangents
    batch, length = xs.shape[1:-1], len(xs)
    valid = jnp.ones(xs.shape[:-1], bool) if mask is None else mask
    restart = jnp.zeros(xs.shape[:-1], bool) if reset is None else segments(reset, reverse)

    inputs = by_sequence(in_time(reverse, (xs, valid, restart, seen)), 1, len(batch))
    drawn = lax.bitcast_convert_type(jnp.sum(jnp.abs(seen)).astype(jnp.float32), jnp.uint32)
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), drawn), len(inputs[0]))
    one = partial(_of_one, rule, cells, params)
    of_params, of_carry, of_xs = jax.vmap(one)(*by_sequence((carry, after), 0, len(batch)), inputs, keys)
    of_params = jax.tree.map(lambda g, w: jnp.sum(g, axis=0).astype(w.dtype), of_params, params)
    of_carry = jax.tree.map(lambda g, old: g.reshape(old.shape).astype(old.dtype), of_carry, carry)
    of_xs = jnp.moveaxis(of_xs, 0, 1).reshape(length, *xs.shape[1:]).astype(xs.dtype)
    return of_params, of_carry, in_time(reverse, of_xs)


def by_sequence(tree, at, axes):
    """The leaves with all batch axes, so many of which begin there, as one leading axis."""
    return jax.tree.map(lambda a: jnp.moveaxis(a.reshape(*a.shape[:at], -1, *a.shape[at + axes :]), at, 0), tree)


class Vectors(NamedTuple):
    """A step of one sequence as a function of vectors.

    Fields:
      theta, of_theta: the params [P], and back.
      s, of_s: the carry [C], and back.
      differential: (s, theta, x, valid, restart) -> (s_t and h_t side by side, the `Differential`, cotangents of both
        -> those of theta and x).
      at: key -> the `Differential` at drawn values.
    """

    theta: jax.Array
    of_theta: Callable[..., Any]
    s: jax.Array
    of_s: Callable[..., Any]
    differential: Callable[..., Any]
    at: Callable[..., Any]


def vectors(cells, params, carry, x):
    """The `Vectors` of the cells of `followed`, for one sequence; x [D] has the shape of its inputs."""
    (theta, of_theta), (s, of_s) = ravel_pytree(params), ravel_pytree(carry)

    def stepping(cell):
        def step(s, theta, x, valid, restart):
            new, h = step_of(cell, of_theta(theta), x[None])(of_s(s), (x, valid, restart))
            return jnp.concatenate([ravel_pytree(new)[0], h.ravel()])

        return step

    full, passing = map(stepping, cells)

    def differential(s, theta, x, valid, restart):
        value, pull = jax.vjp(lambda theta, x: full(s, theta, x, valid, restart), theta, x)
        _, push = jax.linearize(lambda s: passing(s, theta, x, valid, restart), s)
        return value, Differential(push, lambda seen: jnp.concatenate([pull(seen)[0], jnp.zeros_like(s)])), pull

    def at(key):
        key_s, key_w, key_x = jax.random.split(key, 3)
        drawn = [jax.random.normal(k, a.shape, a.dtype) for k, a in ((key_s, s), (key_w, theta), (key_x, x))]
        return differential(*drawn, jnp.bool_(True), jnp.bool_(False))[1]

    return Vectors(theta, of_theta, s, of_s, differential, at)


def _of_one(rule, cells, params, carry, after, inputs, key):
    """(gradient of the params, of the first carry, of the inputs) of one sequence; inputs [T, ...]."""
    theta, of_theta, s, of_s, differential, at = vectors(cells, params, carry, inputs[0][0])

    def one(state, given):
        s, memory, total = state
        x, valid, restart, seen, key = given
        value, linear, pull = differential(s, theta, x, valid, restart)
        memory, gradient = rule.follow(memory, linear, seen, key)
        of_x = pull(jnp.concatenate([jnp.zeros_like(s), seen]))[1]
        return (value[: len(s)], memory, total + gradient), of_x

    key_begin, key_steps = jax.random.split(key)
    begun = rule.begin(at, len(s), len(theta), s.dtype, key_begin)
    nothing = jnp.zeros(len(theta) + len(s), s.dtype)
    keys = jax.random.split(key_steps, len(inputs[0]))
    (_, memory, total), of_xs = lax.scan(one, (s, begun, nothing), (*inputs, keys))
    total = total + rule.end(memory, ravel_pytree(after)[0])
    return of_theta(total[: len(theta)]), of_s(total[len(theta) :]), of_xs


def matrix(kept=None, passed=None, held=False):
    """The rule that holds M_t as a matrix [C, P + C].

    Args:
      kept: (at, C, P, dtype) -> which values of M_t are kept, [C, P + C]; None for all.
      passed: (C + H, C) -> which values of the Jacobian are kept, [C + H, C]; None for all.
      held: as in `Rule`.
    """

    def begin(at, carry, params, dtype, key):
        first = jnp.concatenate([jnp.zeros((carry, params), dtype), jnp.eye(carry, dtype=dtype)], axis=1)
        return first, None if kept is None else kept(at, carry, params, dtype)

    def follow(memory, linear, seen, key):
        m, which = memory
        jacobian, own = of_step(linear, len(m), len(seen), m.dtype)
        if passed is not None:
            jacobian = jacobian * passed(*jacobian.shape)
        new = jacobian @ m + own
        return (new[: len(m)] if which is None else new[: len(m)] * which, which), seen @ new[len(m) :]

    return Rule(begin, follow, end=lambda memory, after: after @ memory[0], held=held)


def of_step(linear, carry, outputs, dtype):
    """(the Jacobian [C + H, C], d(s_t, h_t) / d theta [C + H, P + C]) of a `Differential`."""
    return of_push(linear, carry, dtype), jax.vmap(linear.pull)(jnp.eye(carry + outputs, dtype=dtype))


def of_push(linear, carry, dtype):
    """The Jacobian [C + H, C] of a `Differential`."""
    return jax.vmap(linear.push)(jnp.eye(carry, dtype=dtype)).T


def ratio(a, b):
    """sqrt(|a| / |b|), which brings a product of two vectors to the least variance; never zero nor infinite."""
    return jnp.sqrt((jnp.linalg.norm(a) + TINY) / (jnp.linalg.norm(b) + TINY))
