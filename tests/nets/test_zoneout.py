"""Zoneout: what stays, how often, and what the evaluated network computes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.cells import elman, gru, lstm
from jaxrnn.nets import recurrent, rnn

T, B, D, H = 6, 2, 3, 4


def outputs(cell, rate, keys=None, steps=T):
    net = recurrent(cell, zoneout=rate)
    params = jax.jit(net.init, static_argnums=1)(jax.random.key(0), D)
    xs = jax.random.normal(jax.random.key(1), (steps, B, D))
    key = None if keys is None else jax.random.split(keys, B)
    return jax.jit(net.apply)(params, net.initial(params, (B,)), xs, key=key)


@pytest.mark.parametrize("cell", [elman.cell(H), gru.cell(H), lstm.cell(H)])
def test_a_rate_of_zero_changes_nothing(cell):
    expected = outputs(cell, None)
    for found in (outputs(cell, 0.0), outputs(cell, 0.0, jax.random.key(5))):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-14), found, expected)


def test_values_that_stay_are_those_of_the_step_before():
    ys = np.asarray(outputs(elman.cell(50), 0.3, jax.random.key(2), steps=200)[1])
    stayed = ys[1:] == ys[:-1]
    assert abs(stayed.mean() - 0.3) < 3 * np.sqrt(0.3 * 0.7 / stayed.size)
    assert not (stayed[:, 0] == stayed[:, 1]).all()  # each sequence has draws of its own


def test_the_evaluated_step_is_the_mean_over_the_draws():
    """Of one step, after which the mean of a non-linear network is another thing; h and c of an LSTM alike."""
    cell, keys = lstm.cell(H), jax.random.split(jax.random.key(3), 4000)
    drawn = jax.vmap(lambda key: outputs(cell, 0.25, key, steps=1)[0])(keys)
    mean = outputs(cell, 0.25, steps=1)[0]
    for found, expected in zip(drawn, mean, strict=True):
        error = found.std(axis=0) / np.sqrt(len(keys))
        assert jnp.all(jnp.abs(found.mean(axis=0) - expected) < 5 * error + 1e-12)


@pytest.mark.slow
@pytest.mark.share(2)
def test_two_layers_in_both_directions_are_trained_with_it():
    net = rnn(gru.cell(H), 2, layers=2, bidirectional="concat", zoneout=0.1)
    params = jax.jit(net.init, static_argnums=1)(jax.random.key(0), D)
    xs = jnp.ones((T, B, D))

    @jax.jit
    def loss(params, key):
        return jnp.sum(net.apply(params, net.initial(params, (B,)), xs, key=key)[1] ** 2)

    gradient = jax.jit(jax.grad(loss))(params, jax.random.split(jax.random.key(4), B))
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(gradient))
    assert loss(params, jax.random.split(jax.random.key(4), B)) != loss(params, jax.random.split(jax.random.key(6), B))
