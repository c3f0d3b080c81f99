"""Single steps of a forward gradient, so that the params may change after every step.

The memory of the rule is the record that a `RecordingUnroll` returns for one step, and its instruction for the next
step. The derivation is in `_online`: the gradient of the loss of step t needs the memory of step t - 1 and nothing
later.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.unroll._flat_step import flat_step, sequences_first
from jaxrnn.unroll._online import cells_to_follow
from jaxrnn.unroll.contract import step_of


class Memory(NamedTuple):
    """The memory of a layer, with a leading axis of sequences.

    Fields:
      values: the memory of the rule, which stands for M_{t-1}.
      keys: one PRNG key per sequence, for the draws of step t.
    """

    values: Any
    keys: jax.Array


def beginning(rule, name, key):
    """Builds an unroll that computes no step and records the `Memory` before the first; it takes no instruction."""

    def unroll(instruction, cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        cells, axes = cells_to_follow(rule, cell, params, name), xs.ndim - 2

        def begin(carry, x, key):
            flat = flat_step(cells, params, carry, x)
            return rule.begin(flat.at_random, len(flat.s), len(flat.theta), flat.s.dtype, key)

        carries, inputs = sequences_first((carry, xs[0]), 0, axes)
        keys_begin, keys_steps = jax.random.split(key, (2, len(inputs)))
        values = jax.vmap(begin)(carries, inputs, keys_begin)
        return carry, jnp.zeros((*xs.shape[:-1], cell.size), xs.dtype), Memory(values, keys_steps)

    return unroll


def one_step(rule, name):
    """Builds the unroll of a single step, xs [1, B, D], from the `Memory` before it to the `Memory` after it.

    The gradient of its outputs by the params counts all steps since the memory began, as far as the rule keeps them.
    A rule gives the new memory and the gradient at once, from dL/dh_t. The memory does not depend on dL/dh_t, but it is
    due in the forward pass, where dL/dh_t is not yet known. So the rule runs twice from the same memory and keys: with
    dL/dh = 0 for the memory, and in the backward pass with the true dL/dh for the gradient. No gradient goes back
    through the memory or the carry: what they owe to the params is in the memory already.
    """

    def unroll(memory, cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
        cells, axes = cells_to_follow(rule, cell, params, name), xs.ndim - 2
        valid = jnp.ones(xs.shape[1:-1], bool) if mask is None else mask[0]
        restart = jnp.zeros(xs.shape[1:-1], bool) if reset is None else reset[0]

        def follow(params, carry, memory, x, d_h):
            """Returns (memory, gradient of the params, gradient of x), with a leading axis of sequences."""
            carries, inputs = sequences_first((carry, (x, valid, restart, d_h)), 0, axes)
            return jax.vmap(_follow_sequence(rule, cells, params))(carries, *memory, *inputs)

        @jax.custom_vjp
        def layer(params, carry, memory, x):
            new_carry, h = step_of(cell, params, xs)(carry, (x, valid, restart))
            values, _, _ = follow(params, carry, memory, x, jnp.zeros_like(h))
            keys = jax.vmap(lambda key: jax.random.split(key)[0])(memory.keys)
            return (new_carry, Memory(values, keys)), h

        def forward(*arguments):
            return layer(*arguments), arguments

        def backward(arguments, cotangents):
            params, carry, memory, x = arguments
            _, d_params, d_x = follow(params, carry, memory, x, cotangents[1])
            d_params = jax.tree.map(lambda g, w: jnp.sum(g, axis=0).astype(w.dtype), d_params, params)
            return d_params, None, None, d_x.reshape(x.shape)

        layer.defvjp(forward, backward)
        (carry, memory), h = layer(params, carry, memory, xs[0])
        return carry, h[None], memory

    return unroll


def _follow_sequence(rule, cells, params):
    """Returns the step for one sequence: (carry, memory, key, x, valid, restart, d_h) -> (memory, d_params, d_x)."""

    def follow(carry, memory, key, x, valid, restart, d_h):
        flat = flat_step(cells, params, carry, x)
        _, differential, pull = flat.differential(flat.s, flat.theta, x, valid, restart)
        memory, gradient = rule.follow(memory, differential, d_h, key)
        d_x = pull(jnp.concatenate([jnp.zeros_like(flat.s), d_h]))[1]
        return memory, flat.unravel_theta(gradient[: len(flat.theta)]), d_x

    return follow
