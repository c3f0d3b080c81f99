"""Jacobians and Lyapunov exponents against closed forms, known maps and mean-field theory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import dynamics, nets
from jaxrnn.cells import elman, gru, jordan, lstm
from jaxrnn.initializers import gaussian
from jaxrnn.nets import decode
from jaxrnn.types import Cell

CELLS = {
    "elman": lambda: elman.cell(4),
    "jordan": lambda: jordan.cell(6, output_size=3),
    "lstm": lambda: lstm.cell(4),
    "gru": lambda: gru.cell(4),
}
KEY = jax.random.key(0)


def map_of(cell, params):
    return dynamics.as_map(nets.recurrent(cell), params)


def as_cell(step, size):
    """A map of a vector as a cell without inputs or params."""

    def initial(params, batch_shape):
        return jnp.full((*batch_shape, size), 0.1)

    return Cell(size, lambda key, d: (), initial, lambda p, x: x, lambda p, c, u: (step(c),) * 2)


@pytest.mark.parametrize("name", [n if n == "lstm" else pytest.param(n, marks=pytest.mark.slow) for n in CELLS])
def test_sum_of_exponents_is_the_mean_log_determinant(name):
    cell = CELLS[name]()
    f, z_0 = map_of(cell, cell.init(KEY, 2))
    xs = jax.random.normal(KEY, (60, 2))
    exponents = jax.jit(lambda: dynamics.lyapunov(f, z_0, xs, key=KEY))()
    logdet = jnp.linalg.slogdet(jax.jit(lambda: dynamics.jacobians(f, z_0, xs))())[1]
    assert float(exponents.lam.sum()) == pytest.approx(float(logdet.mean()), rel=1e-10)
    assert exponents.lam.shape == z_0.shape


def test_jacobians_multiply_to_the_derivative_of_the_whole():
    cell = lstm.cell(4)
    f, z_0 = map_of(cell, cell.init(KEY, 2))
    xs = jax.random.normal(KEY, (5, 2))
    product = np.eye(8)
    for j in dynamics.jacobians(f, z_0, xs):
        product = j @ product
    whole = jax.jacrev(lambda z: dynamics.trajectory(f, z, xs)[-1])(z_0)
    np.testing.assert_allclose(product, whole, rtol=1e-12, atol=1e-15)


def test_spectrum_of_a_linear_cell_is_log_eigenvalues():
    cell = elman.cell(6, "linear", recurrent_init=gaussian(1.2))
    params = cell.init(KEY, 1)
    f, z_0 = map_of(cell, params)
    lam = jax.jit(lambda: dynamics.lyapunov(f, z_0, jnp.zeros((6000, 1)), warm_up=1000, key=KEY).lam)()
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(params.w_h))))[::-1]
    np.testing.assert_allclose(lam, expected, atol=2e-3)
    assert float(lam.sum()) == pytest.approx(expected.sum(), abs=1e-10)


MAPS = {
    "logistic": (lambda x: 4 * x * (1 - x), 1, [np.log(2)], 20000, 1.0, 0.01),
    "henon": (
        lambda z: jnp.stack([1 - 1.4 * z[..., 0] ** 2 + z[..., 1], 0.3 * z[..., 0]], -1),
        2,
        [0.41917, -1.62314],
        20000,
        1.0,
        0.01,
    ),
    "lorenz": (
        lambda z: (
            z
            + 0.001
            * jnp.stack(
                [
                    10 * (z[..., 1] - z[..., 0]),
                    z[..., 0] * (28 - z[..., 2]) - z[..., 1],
                    z[..., 0] * z[..., 1] - 8 / 3 * z[..., 2],
                ],
                -1,
            )
        ),
        3,
        [0.9056, 0, -14.5723],
        200000,
        0.001,
        0.05,
    ),
}


@pytest.mark.parametrize("name", MAPS)
def test_known_maps(name):
    step, size, expected, steps, dt, tolerance = MAPS[name]
    f, z_0 = map_of(as_cell(step, size), ())
    warm_up = steps // 10
    run = jax.jit(lambda xs: dynamics.lyapunov(f, z_0, xs, warm_up=warm_up))
    lam = run(jnp.zeros((warm_up + steps, 1))).lam / dt
    np.testing.assert_allclose(lam, expected, atol=tolerance)
    if name == "henon":
        assert float(lam.sum()) == pytest.approx(np.log(0.3), abs=1e-10)
        assert float(dynamics.kaplan_yorke(lam)) == pytest.approx(1.258, abs=0.005)
        assert float(dynamics.entropy(lam)) == float(lam[0])


def test_scalar_tanh():
    """h' = tanh(w h): ln w below one; ln(w (1 - h*^2)) at the fixed point h* = tanh(w h*) above."""
    for w, expected in ((0.5, np.log(0.5)), (2.0, -1.793529)):
        f, z_0 = map_of(as_cell(lambda h, w=w: jnp.tanh(w * h), 1), ())
        lam = jax.jit(lambda xs, f=f, z_0=z_0: dynamics.lyapunov(f, z_0, xs, warm_up=500).lam)(jnp.zeros((600, 1)))
        assert float(lam[0]) == pytest.approx(expected, abs=1e-6)


def test_mean_field_formula():
    assert float(dynamics.mean_field_exponent(2.0)) == pytest.approx(0.15472, abs=1e-5)
    assert float(dynamics.mean_field_exponent(0.9)) == pytest.approx(np.log(0.9), abs=1e-12)


@pytest.mark.slow
def test_random_tanh_network_follows_mean_field():
    """At N = 200 the largest exponent is 0.005 to 0.02 below the limit of infinite N, over gains and draws."""
    size = 200

    @jax.jit
    @jax.vmap
    def largest(key, gain):
        w = gain * jax.random.normal(key, (size, size)) / jnp.sqrt(size)

        def f(z, x):
            return w @ jnp.tanh(z)

        z_0 = jax.random.normal(key, (size,))
        return dynamics.lyapunov(f, z_0, jnp.zeros((2200, 1)), k=1, warm_up=200, key=key).lam[0]

    gains = jnp.repeat(jnp.array([1.5, 2.0, 3.0]), 4)
    found = largest(jax.random.split(KEY, 12), gains).reshape(3, 4).mean(1)
    theory = jnp.array([dynamics.mean_field_exponent(g) for g in (1.5, 2.0, 3.0)])
    assert ((found > theory - 0.03) & (found < theory + 0.005)).all(), (found, theory)


def test_kaplan_yorke_at_its_ends():
    assert float(dynamics.kaplan_yorke(jnp.array([-1.0, -2.0]))) == 0
    assert float(dynamics.kaplan_yorke(jnp.array([1.0, 2.0]))) == 2
    assert float(dynamics.kaplan_yorke(jnp.array([0.9056, 0.0, -14.5723]))) == pytest.approx(2.0621, abs=1e-3)


def test_standard_error_of_independent_rates():
    rates = jax.random.normal(KEY, (100000, 2))
    np.testing.assert_allclose(dynamics.standard_error(rates, 100), 1 / np.sqrt(100000), rtol=0.2)


def test_closed_loop_runs_on_its_own_output():
    net = nets.rnn(gru.cell(3), 2)
    params = net.init(KEY, 2)
    f, z_0 = dynamics.closed_loop(net, params, 2)
    states = dynamics.trajectory(f, z_0, jnp.zeros((4, 1)))
    carry, ys = decode.generate(net, params, net.initial(params, ()), jnp.zeros(2), 4)
    np.testing.assert_allclose(states[:, 3:], ys, rtol=1e-12)
    np.testing.assert_allclose(states[-1, :3], carry[0].h, rtol=1e-12)


@pytest.mark.slow
def test_exponents_are_differentiable():
    cell = gru.cell(3)
    xs = jax.random.normal(KEY, (8, 2))

    def squared(params):
        f, z_0 = map_of(cell, params)
        return jnp.sum(dynamics.lyapunov(f, z_0, xs, k=2, key=KEY).lam ** 2)

    params = cell.init(KEY, 2)
    direction = jax.tree.map(lambda a: jax.random.normal(KEY, a.shape), params)
    slope = sum(jax.tree.leaves(jax.tree.map(lambda g, d: jnp.sum(g * d), jax.grad(squared)(params), direction)))
    ahead, behind = (squared(jax.tree.map(lambda a, d, s=s: a + s * d, params, direction)) for s in (1e-6, -1e-6))
    assert float(slope) == pytest.approx(float(ahead - behind) / 2e-6, rel=1e-6)
