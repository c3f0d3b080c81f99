"""Noise on the carry: how much, where, and in training alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn.cells import elman, lstm
from jaxrnn.nets import recurrent, rnn

T, B, D, H = 400, 2, 3, 4


def silent(noise):
    """A net whose weights are zero, so that its carry is the noise alone, and its params."""
    net = recurrent(elman.cell(H), noise=noise)
    params = jax.eval_shape(lambda: net.init(jax.random.key(0), D))
    return net, jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), params)


def test_it_has_its_deviation_and_each_value_step_and_sequence_its_own():
    net, params = silent(0.3)
    carry, ys = jax.jit(net.apply)(
        params, net.initial(params, (B,)), jnp.ones((T, B, D)), key=jax.random.split(jax.random.key(1), B)
    )
    values = np.asarray(ys)
    assert abs(values.std() - 0.3) < 4 * 0.3 / np.sqrt(2 * values.size)
    assert abs(values.mean()) < 4 * 0.3 / np.sqrt(values.size)
    assert len(np.unique(values)) == values.size
    np.testing.assert_array_equal(carry.h, ys[-1])


def test_an_evaluated_net_has_none():
    net, params = silent(0.3)
    assert not np.any(net.apply(params, net.initial(params, (B,)), jnp.ones((T, B, D)))[1])


@pytest.mark.parametrize("layers", [2, 1])
@pytest.mark.sample(1, 1)
def test_it_is_trained_with(layers):
    net = rnn(lstm.cell(H), 2, layers, bidirectional="sum", noise=0.1, zoneout=0.1)
    params, xs = jax.jit(net.init, static_argnums=1)(jax.random.key(0), D), jnp.ones((5, B, D))

    def loss(params, seed):
        key = jax.random.split(jax.random.key(seed), B)
        return jnp.sum(net.apply(params, net.initial(params, (B,)), xs, key=key)[1] ** 2)

    loss = jax.jit(loss)
    gradient = jax.jit(jax.grad(loss))(params, 1)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(gradient))
    assert loss(params, 1) != loss(params, 2)
