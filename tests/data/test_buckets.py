"""Sequences of like length share a shape: the same loss and gradient as padded to the longest, with little padding."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import gru
from jaxrnn.data._buckets import buckets, group_by_length
from jaxrnn.losses import weighted_sum


def made(name, **arguments):
    return importlib.import_module(f"jaxrnn.data.{name}").dataset(**arguments)


NETS = {
    "vowels": lambda d: nets.rnn(gru.cell(4), d.output_size, bidirectional="concat"),
    "addition": lambda d: nets.seq2seq(
        gru.cell(4), d.output_size, "symbols", d.symbols.inputs.size, attention="bahdanau"
    ),
}


@pytest.mark.costly
@pytest.mark.parametrize("name", ["vowels", pytest.param("addition", marks=pytest.mark.slow)])
def test_bucketed_and_padded_batches_give_the_same_loss_and_gradient(name):
    dataset = made(name, **({"examples": 600, "validation": 50} if name == "addition" else {}))
    net = NETS[name](dataset)
    params = jax.jit(net.init, static_argnums=1)(jax.random.key(0), dataset.input_size)

    def loss(params, batch):
        ys = net.apply(params, net.initial(params, batch.fresh.shape), batch.xs, mask=batch.mask)[1]
        return weighted_sum(dataset.loss, ys, batch.targets, batch.weights)[0]

    assert 1 < len(dataset.train.buckets.batches) <= 6
    steps = jnp.arange(40)
    rows, which = dataset.train.plan(jax.random.key(1), steps, 8), dataset.train.buckets.which(steps, 8)
    for bucket in (0, len(dataset.train.buckets.batches) - 1):
        own = rows[int(np.flatnonzero(np.asarray(which) == bucket)[0])]
        short, long = (
            dataset.train.buckets.batches[bucket](dataset.train.arrays, own),
            dataset.train.batch(dataset.train.arrays, own),
        )
        outcomes = [jax.jit(jax.value_and_grad(loss))(params, batch) for batch in (short, long)]
        for one, other in zip(*map(jax.tree.leaves, outcomes), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    assert len(jax.tree.leaves(short.xs)[0]) == len(jax.tree.leaves(long.xs)[0])


@pytest.mark.costly
def test_an_epoch_takes_every_sequence_of_a_bucket_once_and_at_most_a_quarter_is_padding():
    dataset = made("vowels", validation=0.0)
    batch_size = 9
    sizes = np.array(
        [len(bucket.rows) for bucket in group_by_length(np.asarray(dataset.train.arrays.lengths)[:, None])]
    )
    updates = np.maximum(sizes // batch_size, 1)
    steps = jnp.arange(updates.sum())
    which = np.asarray(dataset.train.buckets.which(steps, batch_size))
    np.testing.assert_array_equal(np.bincount(which), updates)
    rows = np.asarray(dataset.train.plan(jax.random.key(0), steps, batch_size))
    longest = [
        dataset.train.buckets.batches[b](dataset.train.arrays, jnp.arange(1)).xs.shape[0] for b in range(len(sizes))
    ]
    for bucket in range(len(sizes)):
        taken = rows[which == bucket].ravel()
        if sizes[bucket] >= batch_size:
            assert len(set(taken)) == len(taken)
        assert (np.asarray(dataset.train.arrays.lengths)[taken] <= longest[bucket]).all()
    assert 0 <= dataset.train.buckets.padding <= 0.25
    other = dataset.train.plan(jax.random.key(1), steps, batch_size)
    assert not np.array_equal(rows, other)  # the rows are the run's own, the buckets are not


def test_the_buckets_are_the_best_there_are():
    lengths = np.array([1, 1, 1, 1, 5, 6, 6, 9])[:, None]
    found = group_by_length(lengths, max_buckets=3)
    assert [bucket.shape for bucket in found] == [(1,), (6,), (9,)]
    assert sorted(np.concatenate([bucket.rows for bucket in found]).tolist()) == list(range(8))
    assert len(group_by_length(lengths, max_buckets=6)) == 4  # as many as there are lengths


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vowels", "language", "tagging", "g2p", "dates", "addition"])
def test_shipped_data_waste_at_most_a_quarter_on_padding(name):
    assert made(name).train.buckets.padding <= 0.25


def test_every_epoch_has_another_order_of_buckets_and_of_rows():
    lengths = np.repeat([2, 3, 5, 8], 12)[:, None]
    groups = group_by_length(lengths, max_buckets=4)
    plan, found = buckets(groups, lengths, lambda shape: shape)
    batch_size, epochs = 3, 4
    per_epoch = len(lengths) // batch_size
    steps = jnp.arange(epochs * per_epoch)
    which = np.asarray(found.which(steps, batch_size)).reshape(epochs, per_epoch)
    rows = np.asarray(plan(jax.random.key(0), steps, batch_size)).reshape(epochs, per_epoch, batch_size)
    for epoch in range(epochs):
        np.testing.assert_array_equal(np.bincount(which[epoch]), 4)
        assert sorted(rows[epoch].ravel()) == list(range(len(lengths)))  # each sequence once
        np.testing.assert_array_equal(lengths[rows[epoch], 0], np.array([2, 3, 5, 8])[which[epoch], None].repeat(3, 1))
    assert len({tuple(order) for order in which}) == epochs
    for bucket in range(4):
        assert len({tuple(rows[epoch][which[epoch] == bucket].ravel()) for epoch in range(epochs)}) == epochs
    np.testing.assert_array_equal(which[2], found.which(steps[2 * per_epoch : 3 * per_epoch], batch_size))  # resumed
