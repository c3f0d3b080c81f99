"""Online training: an update of the params after every step of a sequence, with a forward-mode gradient."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxrnn.keys import at_step
from jaxrnn.losses import mean_of, weighted_sum
from jaxrnn.nets.recording import record
from jaxrnn.training.frozen import zero_frozen
from jaxrnn.types import Params
from jaxrnn.unroll.online_step import beginning, one_step
from jaxrnn.unroll.scan import scan


class OnlineState(NamedTuple):
    """Params and optimizer state that online training carries from batch to batch."""

    params: Params
    opt_state: optax.OptState


def begin(task, params):
    """Returns the `OnlineState` before the first sequence."""
    return OnlineState(params, task.optimizer.rule.init(params))


def through(task, rule, name, state, batch, key):
    """Trains on a batch step by step, with an update at every step that counts in the loss.

    The memory of the rule begins at the first step of the sequences. Entries that were computed with older params are
    not recomputed after an update, as in all online rules.

    Args:
      task: a `Task`; its trainer is not used.
      rule: a `Rule` that computes the gradient forwards, such as `jaxrnn.unroll.rtrl.rule()`.
      name: name of the rule, for messages.
      state: an `OnlineState`.
      batch: a `Batch` of whole sequences.
      key: PRNG key of the draws of the rule and the net.

    Returns:
      (the `OnlineState` after the batch, the mean loss of the batch). The loss of a step is taken before its update;
      the mean is zero if no step counts.
    """
    state, (total, weights) = stepwise(task, rule, name, state, batch, key)
    return state, mean_of(jnp.sum(total), jnp.sum(weights))


def stepwise(task, rule, name, state, batch, key):
    """As `through`, but returns two sums per step in place of the mean loss: weighted losses [T] and weights [T]."""
    net, dataset = task.net, task.dataset
    keys = row_keys(key, len(batch.fresh))
    carry = net.initial(state.params, batch.fresh.shape)
    begin_memories, unroll = beginning(rule, name, key), one_step(rule, name)
    _, _, memories = record(net, begin_memories, None, state.params, carry, batch.xs[:1], key=at_step(keys, 0))

    def step(state, numbered):
        (params, opt_state), carry, memories = state
        t, row = numbered
        x, target, weight, valid, restart = jax.tree.map(lambda a: a[None], row)

        def loss(params):
            options = {"mask": valid, "reset": restart, "key": at_step(keys, t)}
            new_carry, ys, new_memories = record(net, unroll, memories, params, carry, x, **options)
            total, weights = weighted_sum(dataset.loss, ys, target, weight)
            return mean_of(total, weights), (new_carry, new_memories, total, weights)

        grads, (carry, memories, total, weights) = jax.grad(loss, has_aux=True)(params)
        old_state, new_state = OnlineState(params, opt_state), _update(task, params, opt_state, grads)
        # Only a step that counts in the loss changes the params and the state of the optimizer.
        state = jax.tree.map(lambda new, old: jnp.where(weights > 0, new, old), new_state, old_state)
        return (state, carry, memories), (total, weights)

    steps = batch.xs, batch.targets, batch.weights, batch.mask, batch.reset
    (state, _, _), losses = jax.lax.scan(step, (state, carry, memories), (jnp.arange(len(batch.xs)), steps))
    return state, losses


def row_keys(key, rows):
    """Keys [rows] for the draws of the net, one per sequence of a batch."""
    return jax.vmap(jax.random.fold_in, (None, 0))(jax.random.fold_in(key, 0), jnp.arange(rows))


def after_the_batch(task, state, batch, key):
    """Makes one update after the whole batch, by backpropagation through time.

    Arguments and results are as in `through`.
    """
    net, keys = task.net.with_unroll(scan), row_keys(key, len(batch.fresh))

    def loss(params):
        carry = net.initial(params, batch.fresh.shape)
        _, ys = net.apply(params, carry, batch.xs, mask=batch.mask, reset=batch.reset, key=keys)
        total, weights = weighted_sum(task.dataset.loss, ys, batch.targets, batch.weights)
        return mean_of(total, weights)

    value, grads = jax.value_and_grad(loss)(state.params)
    return _update(task, state.params, state.opt_state, grads), value


def _update(task, params, opt_state, grads):
    optimizer, grads = task.optimizer, zero_frozen(task.frozen, grads)
    clipped, _ = optimizer.clip.update(grads, optimizer.clip.init(grads))
    changes, opt_state = optimizer.rule.update(clipped, opt_state, params)
    changes = zero_frozen(task.frozen, changes)  # weight decay would change frozen parts too
    return OnlineState(optax.apply_updates(params, changes), opt_state)
