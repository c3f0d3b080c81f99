"""Teacher forcing, forgetting, and initial weights against the docstrings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import initializers
from jaxrnn.cells import elman, gru, jordan, lstm
from jaxrnn.unroll.scan import scan

D, H, K = 3, 4, 2
RNG = np.random.default_rng(0)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def draw(params):
    leaves, tree = jax.tree.flatten(params)
    return jax.tree.unflatten(tree, [RNG.normal(size=a.shape) for a in leaves])


def test_teacher_forcing_on_a_cells_own_outputs_changes_nothing():
    """With the outputs of the free cell as its inputs, the forced cell repeats the free cell, with the same params."""
    cell = jordan.cell(H, K)
    params = draw(cell.init(jax.random.key(0), D))
    xs = jnp.asarray(RNG.normal(size=(6, D)))
    carry = cell.initial(params, ())
    _, free = scan(cell, params, carry, xs)
    forced_cell = jordan.teacher_forced(cell)
    truth = jnp.concatenate([jnp.zeros((1, K)), free[:-1]])
    _, forced = scan(forced_cell, params, carry, jnp.concatenate([xs, truth], axis=-1))
    np.testing.assert_allclose(forced, free, rtol=1e-13)
    assert jax.tree.map(jnp.shape, forced_cell.init(jax.random.key(0), D + K)) == jax.tree.map(jnp.shape, params)
    _, other = scan(forced_cell, params, carry, jnp.concatenate([xs, truth + 1], axis=-1))
    assert jnp.max(jnp.abs(other - free)) > 0.1


@pytest.mark.parametrize(("bias", "remaining"), [(0.0, 0.5**100), (1.0, 2.5e-14), (5.0, 0.511)])
def test_lstm_cell_path_forgets_at_the_rate_of_its_bias(bias, remaining):
    """Without recurrent weights and inputs dc_T/dc_0 = sigmoid(b_f)^T."""
    cell = lstm.cell(1, forget_bias=bias)
    params = jax.tree.map(jnp.zeros_like, cell.init(jax.random.key(0), 1))._replace(b=cell.init(jax.random.key(0), 1).b)

    def last(c):
        carry = lstm.LSTMCarry(c=c, h=jnp.zeros(1))
        return scan(cell, params, carry, jnp.zeros((100, 1)))[0].c[0]

    rate = jax.grad(last)(jnp.ones(1))[0]
    np.testing.assert_allclose(rate, sigmoid(bias) ** 100, rtol=1e-12)
    np.testing.assert_allclose(rate, remaining, rtol=0.02)


def test_biases_are_set_at_init():
    b_i, b_f, b_g, b_o = np.split(lstm.cell(H, forget_bias=2.5).init(jax.random.key(0), D).b, 4)
    np.testing.assert_array_equal(b_f, 2.5)
    assert not any(b.any() for b in (b_i, b_g, b_o))

    b_i, b_f, *_ = np.split(
        lstm.cell(2000, chrono=50.0, recurrent_init=initializers.identity()).init(jax.random.key(0), D).b, 4
    )
    lags = np.exp(b_f)
    assert 1 <= lags.min() < 1.2
    assert 48.8 < lags.max() <= 49
    np.testing.assert_allclose(lags.mean(), 25, rtol=0.05)
    np.testing.assert_array_equal(b_i, -b_f)
    b_z = np.split(gru.cell(2000, chrono=50.0, recurrent_init=initializers.identity()).init(jax.random.key(0), D).b, 3)[
        1
    ]
    np.testing.assert_allclose(np.exp(b_z).mean(), 25, rtol=0.05)


def test_orthogonal_gate_by_gate():
    """The block of every gate is orthogonal; a joint draw would have singular values near zero."""
    for cell, gates in ((lstm.cell(32), 4), (gru.cell(32), 3), (elman.cell(32), 1)):
        blocks = np.split(cell.init(jax.random.key(0), 1).w_h, gates, axis=1)
        for block in blocks:
            np.testing.assert_allclose(np.linalg.svd(block, compute_uv=False), 1, rtol=1e-12)
        if gates > 1:
            assert np.abs(blocks[0] - blocks[1]).max() > 0.1


def test_initializers_keep_their_promises():
    key, shape = jax.random.key(0), (60, 60)
    np.testing.assert_allclose(np.linalg.svd(initializers.orthogonal(1.7)(key, shape), compute_uv=False), 1.7)
    np.testing.assert_array_equal(initializers.identity(0.5)(key, shape), 0.5 * np.eye(60))
    rho = np.abs(np.linalg.eigvals(initializers.spectral(0.9)(key, shape))).max()
    np.testing.assert_allclose(rho, 0.9, rtol=1e-12)
    limit = np.sqrt(6 / 120)
    glorot = np.abs(initializers.glorot()(key, shape))
    assert 0.98 * limit < glorot.max() <= limit
    np.testing.assert_allclose(np.std(initializers.gaussian(2.0)(key, (400, 400))), 2 / 20, rtol=0.01)
    with pytest.raises(ValueError, match="square"):
        initializers.spectral()(key, (3, 4))


def test_a_gain_may_be_traced():
    def norm(gain):
        return jnp.linalg.norm(elman.cell(8, recurrent_init=initializers.spectral(gain)).init(jax.random.key(0), 1).w_h)

    norms = jax.jit(jax.vmap(norm))(jnp.array([0.5, 1.0, 2.0]))
    np.testing.assert_allclose(norms / norms[0], [1, 2, 4], rtol=1e-12)
