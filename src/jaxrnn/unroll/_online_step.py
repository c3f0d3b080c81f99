"""One step of a gradient that is taken forwards, so that the params may change after every step.

What a rule keeps of the past goes from step to step in the carry's place, as a `Recorded`.
"""

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.unroll._contract import Recorded, step_of
from jaxrnn.unroll._online import by_sequence, followed, vectors


def beginning(rule, name, key):
    """An unroll that computes nothing and returns, in the carry's place, the carry with the memory before the first
    step and the keys of each sequence, [B]."""

    def unroll(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        cells, axes = followed(rule, cell, params, name), xs.ndim - 2

        def begin(carry, x, key):
            given = vectors(cells, params, carry, x)
            return rule.begin(given.at, len(given.s), len(given.theta), given.s.dtype, key)

        sequences = by_sequence((carry, xs[0]), 0, axes)
        keys = jax.random.split(key, (2, len(sequences[1])))
        memory = jax.vmap(begin)(*sequences, keys[0])
        return Recorded(carry, (memory, keys[1])), jnp.zeros((*xs.shape[:-1], cell.size), xs.dtype)

    return unroll


def one_step(rule, name):
    """The unroll of one step, xs [1, B, D]: the gradient of its outputs with respect to the params counts what the
    params did at all steps since the memory began, as far as the rule keeps it."""

    def unroll(cell, params, recorded, xs, *, mask=None, reset=None, reverse=False):
        cells, axes = followed(rule, cell, params, name), xs.ndim - 2
        valid = jnp.ones(xs.shape[1:-1], bool) if mask is None else mask[0]
        restart = jnp.zeros(xs.shape[1:-1], bool) if reset is None else reset[0]

        def follow(params, carry, memory, key, x, valid, restart, seen):
            given = vectors(cells, params, carry, x)
            _, linear, pull = given.differential(given.s, given.theta, x, valid, restart)
            memory, gradient = rule.follow(memory, linear, seen, key)
            of_x = pull(jnp.concatenate([jnp.zeros_like(given.s), seen]))[1]
            return memory, given.of_theta(gradient[: len(given.theta)]), of_x

        def of_all(params, carry, content, x, seen):
            memory, keys = content
            sequences = by_sequence((x, valid, restart, seen), 0, axes)
            carry = by_sequence(carry, 0, axes)
            return jax.vmap(follow, (None, *[0] * 7))(params, carry, memory, keys, *sequences)

        @jax.custom_vjp
        def layer(params, carry, content, x):
            after, h = step_of(cell, params, xs)(carry, (x, valid, restart))
            memory = of_all(params, carry, content, x, jnp.zeros_like(h))[0]
            return (after, (memory, jax.vmap(lambda key: jax.random.split(key)[0])(content[1]))), h

        def backward(given, cotangents):
            params, _, _, x = given
            _, of_params, of_x = of_all(*given, cotangents[1])
            of_params = jax.tree.map(lambda g, w: jnp.sum(g, axis=0).astype(w.dtype), of_params, params)
            return of_params, None, None, of_x.reshape(x.shape)

        layer.defvjp(lambda *given: (layer(*given), given), backward)
        (after, content), h = layer(params, recorded.carry, recorded.content, xs[0])
        return Recorded(*lax.stop_gradient((after, content))), h[None]

    return unroll
