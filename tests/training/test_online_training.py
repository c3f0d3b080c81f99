"""Online training: what is exact where the params wait for the end of a sequence, and that it learns where not."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxrnn.cells import elman, lstm
from jaxrnn.data import copy_memory, delayed_xor
from jaxrnn.nets import rnn
from jaxrnn.optimizers import as_optimizer
from jaxrnn.training import online
from jaxrnn.training.batches import draw
from jaxrnn.training.update import Task, Trainer
from jaxrnn.unroll import kf_rtrl, rtrl, snap, truncated, uoro


def made(cell, dataset, layers=1):
    return Task(rnn(cell, dataset.output_size, layers), dataset, as_optimizer(optax.sgd(0.1)), Trainer(1, 4, 1))


def begun(task):
    params = jax.jit(task.net.init, static_argnums=1)(jax.random.key(0), task.dataset.input_size)
    return online.begin(task, params), draw(task.dataset, 4, jax.random.key(1), "train")


def agree(found, expected, **within):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **within), found, expected)


@pytest.mark.parametrize("cell", [elman.cell(5), lstm.cell(5)])
@pytest.mark.sample(1, 1)
def test_where_only_the_last_step_counts_it_is_backpropagation_through_time(cell):
    """The params do not change before it."""
    task = made(cell, delayed_xor.dataset(6))
    state, batch = begun(task)
    expected, loss = jax.jit(lambda s, b: online.after_the_batch(task, s, b, jax.random.key(2)))(state, batch)
    through = jax.jit(lambda s, b: online.through(task, rtrl.rule(), "rtrl", s, b, jax.random.key(2)))
    found, own = through(state, batch)
    assert own == pytest.approx(float(loss), rel=1e-12)
    agree(found.params, expected.params, rtol=1e-10, atol=1e-12)
    one = jax.jit(lambda s, b: online.through(task, snap.rule(1), "snap", s, b, jax.random.key(2)))(state, batch)[0]
    assert np.abs(one.params[0].w_h - expected.params[0].w_h).max() > 1e-5


def test_params_change_at_every_step_that_counts():
    """Two steps of copy memory by hand: the gradient of each loss is taken at the params of its own step."""
    task = made(elman.cell(3), copy_memory.dataset(1, 1, 2))
    state, batch = begun(task)
    counted = batch._replace(weights=batch.weights.at[2:].set(0))
    through = jax.jit(lambda s, b: online.through(task, rtrl.rule(), "rtrl", s, b, jax.random.key(0)))
    found, _ = through(state, counted)

    def loss(params, steps):
        net = task.net
        only = jnp.arange(3)[:, None] == steps - 1
        _, ys = net.apply(params, net.initial(params, (4,)), batch.xs)
        return jnp.sum(task.dataset.loss(ys, batch.targets) * only) / 4

    once = jax.tree.map(lambda p, g: p - 0.1 * g, state.params, jax.jit(jax.grad(loss))(state.params, 1))

    def second(params, old):
        """What the first step did is followed at the params it was taken with, and acts through the second's."""
        first, _ = task.net.apply(old, task.net.initial(old, (4,)), batch.xs[:1])
        _, ys = task.net.apply(params, first, batch.xs[1:2])
        return jnp.mean(task.dataset.loss(ys, batch.targets[1:2]))

    both = jax.tree.map(jnp.add, *jax.jit(jax.grad(second, argnums=(0, 1)))(once, state.params))
    twice = jax.tree.map(lambda p, g: p - 0.1 * g, once, both)
    agree(found.params, twice, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", [snap.rule(1), uoro.rule(), kf_rtrl.rule()])
@pytest.mark.sample(1, 1)
def test_it_learns_while_the_sequence_goes_on(rule):
    dataset = copy_memory.dataset(1, 1, 2)
    task = made(elman.cell(8), dataset)._replace(optimizer=as_optimizer(optax.adam(1e-2)))
    state, _ = begun(task)

    def one(state, key):
        batch = draw(dataset, 4, key, "train")
        return online.through(task, rule, "rule", state, batch, jax.random.fold_in(key, 1))

    _, losses = jax.jit(lambda s: jax.lax.scan(one, s, jax.random.split(jax.random.key(3), 400)))(state)
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:20])


@pytest.mark.costly
def test_layers_and_masks_go_through():
    dataset = delayed_xor.dataset(5)
    task = made(elman.cell(3), dataset, layers=2)
    state, batch = begun(task)
    batch = batch._replace(mask=batch.mask.at[2].set(False), reset=jnp.zeros_like(batch.mask).at[3].set(True))
    through = jax.jit(lambda s, b: online.through(task, rtrl.rule(), "rtrl", s, b, jax.random.key(0)))
    found, _ = through(state, batch)
    net = task.net.with_unroll(truncated.unroll(1, 1))

    def loss(params):
        _, ys = net.apply(params, net.initial(params, (4,)), batch.xs, mask=batch.mask, reset=batch.reset)
        return jnp.mean(dataset.loss(ys, batch.targets)[-1])

    expected = jax.tree.map(lambda p, g: p - 0.1 * g, state.params, jax.jit(jax.grad(loss))(state.params))
    agree(found.params[-1], expected[-1], rtol=1e-10)  # the readout sees the last step alone


@pytest.mark.parametrize("options", [{"noise": 0.5}, {"zoneout": 0.5}, {"layers": 2, "dropout": 0.5}])
@pytest.mark.sample(1, 2)
def test_what_is_random_in_a_net_acts_in_online_training(options):
    dataset = delayed_xor.dataset(6)
    net = rnn(elman.cell(5), dataset.output_size, **options)
    task = Task(net, dataset, as_optimizer(optax.sgd(0.1)), Trainer(1, 4, 1))
    state, batch = begun(task)
    for way in (
        lambda key: online.through(task, rtrl.rule(), "rtrl", state, batch, key),
        lambda key: online.after_the_batch(task, state, batch, key),
    ):
        losses = [jax.jit(way)(jax.random.key(seed))[1] for seed in (2, 2, 3)]
        assert losses[0] == losses[1]
        assert losses[0] != losses[2]


def test_rules_refuse_a_dropout_on_the_recurrence():
    """Each sequence then has weights of its own, and the rules follow weights that all sequences share."""
    task = made(elman.cell(5), delayed_xor.dataset(6))
    task = task._replace(net=rnn(elman.cell(5), 2, recurrent_dropout=0.5))
    state, batch = begun(task)
    with pytest.raises(ValueError, match=r"model\.recurrent_dropout=null"):
        online.through(task, rtrl.rule(), "rtrl", state, batch, jax.random.key(0))


@pytest.mark.parametrize("after_the_batch", [False, True])
def test_frozen_parts_stay_as_they_are(after_the_batch):
    """Also under weight decay; the clipped gradient is that of the other parts."""
    task = made(elman.cell(3), copy_memory.dataset(1, 1, 2))
    frozen = jax.tree.map(lambda _: False, begun(task)[0].params)
    frozen = (frozen[0]._replace(w_h=True), *frozen[1:])
    task = task._replace(frozen=frozen, optimizer=as_optimizer(optax.adamw(0.1, weight_decay=0.5)))
    state, batch = begun(task)
    if after_the_batch:
        after, _ = online.after_the_batch(task, state, batch, jax.random.key(0))
    else:
        after, _ = online.through(task, rtrl.rule(), "rtrl", state, batch, jax.random.key(0))
    np.testing.assert_array_equal(after.params[0].w_h, state.params[0].w_h)
    assert np.abs(after.params[0].w_x - state.params[0].w_x).min() > 0
