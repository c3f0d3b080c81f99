"""One step of one sequence as a function of vectors, with its differential, as the forward gradients need it.

With J = d(s_t, h_t) / ds_{t-1} and G = d(s_t, h_t) / dtheta, most rules need only the products J v (a push, by forward
mode) and u G (a pull, by reverse mode). Each costs about one step of the cell; the matrices themselves are formed only
by `jacobians`, with one product per column of J and one per row of G.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxrnn.types import Carry, Params
from jaxrnn.unroll.contract import step_of


class Differential(NamedTuple):
    """Differential of a step at (s_{t-1}, theta), for one sequence with a carry of C values, H outputs and P params.

    Fields:
      push: ds_{t-1} [C] -> (ds_t, dh_t), concatenated [C + H].
      pull: cotangent of (s_t, h_t) [C + H] -> cotangent of theta [P], then C zeros in the place of the first carry.
    """

    push: Callable[[jax.Array], jax.Array]
    pull: Callable[[jax.Array], jax.Array]


class FlatStep(NamedTuple):
    """A step of one sequence as a function of vectors.

    Fields:
      theta, unravel_theta: the params as a vector [P], and the function back to the params.
      s, unravel_s: the carry as a vector [C], and the function back to the carry.
      differential: (s, theta, x, valid, restart) -> (s_t and h_t concatenated, the `Differential`, a function from a
        cotangent of both to the cotangents of theta and x).
      at_random: key -> the `Differential` at random values.
    """

    theta: jax.Array
    unravel_theta: Callable[[jax.Array], Params]
    s: jax.Array
    unravel_s: Callable[[jax.Array], Carry]
    differential: Callable[..., Any]
    at_random: Callable[[jax.Array], Differential]


def flat_step(cells, params, carry, x):
    """Builds the `FlatStep` of one sequence.

    Args:
      cells: (the cell, the cell whose step is pushed), as from `cells_to_follow`.
      params, carry: values, and the shapes of the vectors.
      x: [D], an input of the right shape.
    """
    (theta, unravel_theta), (s, unravel_s) = ravel_pytree(params), ravel_pytree(carry)

    def on_vectors(cell):
        def step(s, theta, x, valid, restart):
            new_carry, h = step_of(cell, unravel_theta(theta), x[None])(unravel_s(s), (x, valid, restart))
            return jnp.concatenate([ravel_pytree(new_carry)[0], h.ravel()])

        return step

    step, pushed_step = map(on_vectors, cells)

    def differential(s, theta, x, valid, restart):
        value, pull = jax.vjp(lambda theta, x: step(s, theta, x, valid, restart), theta, x)
        _, push = jax.linearize(lambda s: pushed_step(s, theta, x, valid, restart), s)
        return value, Differential(push, lambda d: jnp.concatenate([pull(d)[0], jnp.zeros_like(s)])), pull

    def at_random(key):
        key_s, key_w, key_x = jax.random.split(key, 3)
        values = [jax.random.normal(k, a.shape, a.dtype) for k, a in ((key_s, s), (key_w, theta), (key_x, x))]
        return differential(*values, valid=jnp.bool_(True), restart=jnp.bool_(False))[1]

    return FlatStep(theta, unravel_theta, s, unravel_s, differential, at_random)


def jacobians(differential, carry_size, output_size, dtype):
    """Returns d(s_t, h_t) / ds_{t-1} [C + H, C] and d(s_t, h_t) / dtheta [C + H, P + C] of a `Differential`.

    Args:
      differential: the `Differential`.
      carry_size, output_size: C and H.
      dtype: dtype of the carry.
    """
    by_params = jax.vmap(differential.pull)
    return (
        carry_jacobian(differential, carry_size, dtype),
        by_params(jnp.eye(carry_size + output_size, dtype=dtype)),
    )


def carry_jacobian(differential, carry_size, dtype):
    """Returns d(s_t, h_t) / ds_{t-1} [C + H, C]; arguments as in `jacobians`."""
    return jax.vmap(differential.push)(jnp.eye(carry_size, dtype=dtype)).T


def sequences_first(tree, position, axes):
    """Moves the batch axes of every leaf, `axes` many from `position` on, into one leading axis."""

    def move(a):
        return jnp.moveaxis(a.reshape(*a.shape[:position], -1, *a.shape[position + axes :]), position, 0)

    return jax.tree.map(move, tree)
