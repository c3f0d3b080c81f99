"""Packed weights for cuDNN against JAX's reference implementation; the kernel itself needs a GPU."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import rnn

from jaxrnn.cells import gru, lstm
from jaxrnn.unroll import cudnn
from jaxrnn.unroll.scan import scan

T, D, H = 7, 2, 4


def reference(x, h_0, c_0, weights, lengths, *, input_size, hidden_size, num_layers, dropout, bidirectional):
    unpacked = rnn.unpack_lstm_weights(weights, input_size, hidden_size, num_layers, bidirectional)
    return rnn.lstm_ref(x, h_0, c_0, *unpacked, lengths, input_size, hidden_size, num_layers, dropout, bidirectional)


@pytest.mark.parametrize(("batch", "reverse"), [((3,), False), ((2, 3), True), ((), False)])
def test_weights_and_states_are_where_cudnn_looks_for_them(batch, reverse, x32, monkeypatch):
    monkeypatch.setattr(cudnn.rnn, "lstm", reference)
    cell = lstm.cell(H)
    params = jax.tree.map(lambda a: a + 0.1, cell.init(jax.random.key(0), D))
    xs = jax.random.normal(jax.random.key(1), (T, *batch, D))
    carry = jax.tree.map(lambda a: a + 0.3, cell.initial(params, batch))

    def outcome(unroll):
        def loss(params, carry, xs):
            last, ys = unroll(cell, params, carry, xs, reverse=reverse)
            return jnp.sum(jnp.cos(jnp.arange(ys.size)).reshape(ys.shape) * ys) + jnp.sum(last.c * last.h), (last, ys)

        return jax.jit(jax.value_and_grad(loss, (0, 1, 2), has_aux=True))(params, carry, xs)

    got, expected = outcome(cudnn.cudnn), outcome(scan)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), got, expected)


def test_what_cudnn_does_not_know_is_refused(x32):
    cell = lstm.cell(H)
    params, xs = cell.init(jax.random.key(0), D), jnp.ones((T, 3, D))
    carry = cell.initial(params, (3,))
    with pytest.raises(ValueError, match="supports no masks and no resets"):
        cudnn.cudnn(cell, params, carry, xs, mask=jnp.ones((T, 3), bool))
    with pytest.raises(ValueError, match="computes in float32"):
        cudnn.cudnn(cell, jax.tree.map(lambda a: a.astype(jnp.bfloat16), params), carry, xs)
    other = gru.cell(H)
    params = other.init(jax.random.key(0), D)
    with pytest.raises(ValueError, match=r"only the LSTM of jaxrnn\.cells\.lstm"):
        cudnn.cudnn(other, params, other.initial(params, (3,)), xs)
