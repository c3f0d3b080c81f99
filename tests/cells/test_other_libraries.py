"""Cells against Flax linen, and against values from the tests of TensorFlow Addons."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import layer_norm_lstm, mgu, peephole_lstm
from jaxrnn.unroll.scan import scan

T, B, D, H = 7, 3, 2, 4


def test_mgu_is_linens():
    from flax import linen

    module, xs = linen.MGUCell(H, param_dtype=jnp.float64), np.random.default_rng(0).normal(size=(T, B, D))
    drawn = module.init(jax.random.key(0), jnp.zeros((B, H)), xs[0])["params"]
    drawn = jax.tree.map(lambda a: a + 0.5 * jax.random.normal(jax.random.key(1), a.shape), drawn)
    cell, h, expected = mgu.cell(H), jnp.zeros((B, H)), []
    for x in xs:
        h, y = module.apply({"params": drawn}, h, x)
        expected.append(y)

    def beside(part, name):
        return jnp.concatenate([drawn[f"{part}f"][name], drawn[f"{part}n"][name]], axis=-1)

    params = mgu.MGUParams(beside("i", "kernel"), beside("h", "kernel"), beside("i", "bias"), drawn["hn"]["bias"])
    actual = scan(cell, params, cell.initial(params, (B,)), jnp.asarray(xs))[1]
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13)


def test_the_peephole_lstm_gives_the_value_of_tensorflow_addons():
    """tensorflow_addons/rnn/tests/peephole_lstm_cell_test.py: input weights and peepholes of one, forget bias 1."""
    cell = peephole_lstm.cell(5)
    params = cell.init(jax.random.key(0), 4)
    params = params._replace(w_x=jnp.ones_like(params.w_x), p=jnp.ones_like(params.p))
    xs = jax.nn.one_hot(jnp.array([[1, 2, 3, 4]]), 4)  # class 4 is out of range, so its vector is zero
    ys = scan(cell, params, cell.initial(params, (4,)), xs)[1][0]
    np.testing.assert_allclose(ys, np.array([0.417551, 0.417551, 0.417551, 0.0])[:, None] * np.ones(5), atol=1e-6)


def test_the_layer_norm_lstm_gives_the_value_of_tensorflow_addons():
    """tensorflow_addons/rnn/tests/layer_norm_lstm_cell_test.py, the first step: weights and biases of a half."""
    cell = layer_norm_lstm.cell(2, epsilon=1e-12)
    params = jax.tree.map(lambda a: jnp.full_like(a, 0.5), cell.init(jax.random.key(0), 2))
    ones = {f"gain_{name}": jnp.ones_like(getattr(params, f"gain_{name}")) for name in ("x", "h", "c")}
    params = params._replace(**ones, b_c=jnp.zeros(2))
    carry = layer_norm_lstm.LayerNormLSTMCarry(c=jnp.array([[0.0, 0.1]]), h=jnp.array([[0.2, 0.3]]))
    ys = scan(cell, params, carry, jnp.ones((1, 1, 2)))[1]
    np.testing.assert_allclose(ys[0], [[-0.47406167, 0.47406143]], rtol=1e-5)
