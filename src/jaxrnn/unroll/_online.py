"""Forward gradients: the influence of the params on the carry is followed from step to step.

With s_t the carry of one sequence as a vector and theta its params, let

    J_t = ds_t / ds_{t-1},    G_t = ds_t / dtheta at a fixed s_{t-1},    M_t = ds_t / dtheta = J_t M_{t-1} + G_t.

With g_t = dL/dh_t, the direct gradient of the output of step t, the chain rule gives (Williams & Zipser 1989)

    dL/dtheta = sum_t g_t (dh_t/ds_{t-1} M_{t-1} + dh_t/dtheta at a fixed s_{t-1}) + dL/ds_T M_T.

No term needs a later step. The rules differ in what they keep of M_t. The first carry is followed like a param. The
gradient of an input, which trains the layer below, counts its own step only, not the steps that follow. Weights must
not change within a sequence. The forward pass is `scan` itself.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree

from jaxrnn.cells.step import dot, has_dropout
from jaxrnn.cells.structure import step_with_product
from jaxrnn.recurrent_weights import recurrent_weights
from jaxrnn.unroll._flat_step import flat_step, jacobians, sequences_first
from jaxrnn.unroll.cell_derivatives import with_written_derivative
from jaxrnn.unroll.contract import RandomUnroll, in_time, scan, segments

TINY = 1e-12  # added to a norm, which may be zero


class Rule(NamedTuple):
    """A way to follow the influence of the params, and of the first carry, on the carry of one sequence.

    Fields:
      begin: (at_random, C, P, dtype, key) -> memory before the first step. A rule may use `FlatStep.at_random`
        to find which values depend on which.
      follow: (memory, `Differential`, dL/dh_t [H], key) -> (memory, gradient [P + C]).
      end: (memory, dL/ds_T [C]) -> gradient [P + C].
      draws: whether the rule draws random numbers; otherwise it does not use its keys, which may be None.
      without_product: whether s_{t-1} has no influence through the product with the recurrent weights.
      check: params -> None; raises ValueError for params that the rule cannot follow.
    """

    begin: Callable[..., Any]
    follow: Callable[..., Any]
    end: Callable[..., Any]
    draws: bool = False
    without_product: bool = False
    check: Callable[..., Any] = lambda params: None


def online(rule, name):
    """Builds the unroll of a `Rule`: a `RandomUnroll` if the rule draws random numbers.

    Its backward pass goes through the sequence forwards: all dL/dh_t are known by then. A mean over draws is the exact
    gradient only if every update draws anew, so the draws come from the keys of the run, which differ from update to
    update.

    Args:
      rule: a `Rule`.
      name: name of the unroll, for messages.
    """

    def with_key(key):
        def unroll(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
            cells = cells_to_follow(rule, cell, params, name)

            @jax.custom_vjp
            def layer(params, carry, xs, mask, reset, key):
                return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)

            def forward(*arguments):
                if rule.draws and key is None:
                    raise ValueError(
                        f"unroll={name} draws its gradient at random: expected one PRNG key per sequence, found none; "
                        "use net.apply(..., key=keys), or the unroll's with_key(keys)"
                    )
                return layer(*arguments), arguments

            def backward(arguments, cotangents):
                return (*_gradients(rule, cells, arguments, cotangents, reverse), None, None, None)

            layer.defvjp(forward, backward)
            return layer(params, carry, xs, mask, reset, key)

        return unroll

    return RandomUnroll(with_key) if rule.draws else with_key(None)


def cells_to_follow(rule, cell, params, name):
    """Returns the cell, and the cell whose step is pushed forwards, which differ if the rule leaves out the product.

    Raises:
      ValueError: if the rule cannot follow such params.
    """
    if has_dropout(params):
        raise ValueError(
            f"unroll={name} needs weights that all sequences share, but recurrent dropout gives each sequence its own; "
            "set model.recurrent_dropout=null"
        )
    rule.check(params)
    return cell, _with_constant_product(cell, params, name) if rule.without_product else cell


def _with_constant_product(cell, params, name):
    """Returns the cell in whose derivative the product with the recurrent weights does not depend on the carry."""
    if not recurrent_weights(params):
        return cell  # it has no such product
    if (product := step_with_product(cell)) is None:
        raise ValueError(f"unroll={name} needs a cell whose carry acts through one product with w_h, or none")
    combine = with_written_derivative(cell).step.combine

    def step(params, carry, u):
        return combine(params, carry, u, dot(lax.stop_gradient(product.source(carry)), params.w_h))

    return cell._replace(step=step)


def _gradients(rule, cells, arguments, cotangents, reverse):
    """Computes the gradients of params, carry and xs. Those of the params are summed over sequences."""
    (params, carry, xs, mask, reset, key), (d_last, d_hs) = arguments, cotangents
    batch, length = xs.shape[1:-1], len(xs)
    valid = jnp.ones(xs.shape[:-1], bool) if mask is None else mask
    restart = jnp.zeros(xs.shape[:-1], bool) if reset is None else segments(reset, reverse)

    inputs = sequences_first(in_time(reverse, (xs, valid, restart, d_hs)), 1, len(batch))
    keys = None if key is None else key.reshape(-1)
    carries, d_lasts = sequences_first((carry, d_last), 0, len(batch))
    d_params, d_carry, d_xs = jax.vmap(partial(_of_sequence, rule, cells, params))(carries, d_lasts, inputs, keys)
    d_params = jax.tree.map(lambda g, w: jnp.sum(g, axis=0).astype(w.dtype), d_params, params)
    d_carry = jax.tree.map(lambda g, old: g.reshape(old.shape).astype(old.dtype), d_carry, carry)
    d_xs = jnp.moveaxis(d_xs, 0, 1).reshape(length, *xs.shape[1:]).astype(xs.dtype)
    return d_params, d_carry, in_time(reverse, d_xs)


def _of_sequence(rule, cells, params, carry, d_last, inputs, key):
    """Computes the gradients of params, first carry and inputs from one sequence with inputs [T, ...]."""
    flat = flat_step(cells, params, carry, inputs[0][0])
    params_size, carry_size = len(flat.theta), len(flat.s)

    def step(state, inputs):
        s, memory, total = state
        x, valid, restart, d_h, key = inputs
        value, differential, pull = flat.differential(s, flat.theta, x, valid, restart)
        memory, gradient = rule.follow(memory, differential, d_h, key)
        d_x = pull(jnp.concatenate([jnp.zeros_like(s), d_h]))[1]
        return (value[:carry_size], memory, total + gradient), d_x

    key_begin = keys = None
    if key is not None:
        key_begin, key_steps = jax.random.split(key)
        keys = jax.random.split(key_steps, len(inputs[0]))
    memory = rule.begin(flat.at_random, carry_size, params_size, flat.s.dtype, key_begin)
    zeros = jnp.zeros(params_size + carry_size, flat.s.dtype)
    (_, memory, total), d_xs = lax.scan(step, (flat.s, memory, zeros), (*inputs, keys))
    total = total + rule.end(memory, ravel_pytree(d_last)[0])
    return flat.unravel_theta(total[:params_size]), flat.unravel_s(total[params_size:]), d_xs


def matrix_rule(pattern=None, jacobian_mask=None, without_product=False):
    """The rule that keeps M_t as a matrix [C, P + C]: M_0 is (0, I), since the last C columns follow the first carry.

    Args:
      pattern: (at_random, C, P, dtype) -> which values of M_t to keep, [C, P + C]; None for all.
      jacobian_mask: (C + H, C) -> which values of d(s_t, h_t)/ds_{t-1} to keep, [C + H, C]; None for all.
      without_product: as in `Rule`.
    """

    def begin(at_random, carry_size, params_size, dtype, key):
        zeros, identity = jnp.zeros((carry_size, params_size), dtype), jnp.eye(carry_size, dtype=dtype)
        first = jnp.concatenate([zeros, identity], axis=1)
        return first, None if pattern is None else pattern(at_random, carry_size, params_size, dtype)

    def follow(memory, differential, d_h, key):
        m, keep = memory
        jacobian, direct = jacobians(differential, len(m), len(d_h), m.dtype)
        if jacobian_mask is not None:
            jacobian = jacobian * jacobian_mask(*jacobian.shape)
        influence = jacobian @ m + direct  # of the params on (s_t, h_t), [C + H, P + C]
        new_m = influence[: len(m)] if keep is None else influence[: len(m)] * keep
        return (new_m, keep), d_h @ influence[len(m) :]

    return Rule(begin, follow, end=lambda memory, d_s: d_s @ memory[0], without_product=without_product)


def balance(a, b):
    """Returns r = sqrt(|a| / |b|), never zero or infinite: r b and a / r have the same norm.

    A random product of two factors has the least variance if both have the same norm.
    """
    return jnp.sqrt((jnp.linalg.norm(a) + TINY) / (jnp.linalg.norm(b) + TINY))
