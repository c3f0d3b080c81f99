"""Prediction of Newton's iterations: growth of errors, and predicted against needed iterations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import dynamics, nets
from jaxrnn.cells import elman, gru
from jaxrnn.initializers import gaussian
from jaxrnn.unroll import newton

D, H = 3, 16


def build(cell, gain=1.0, steps=200, batch=(), noise=0.5):
    """(params, carry, xs) of a network whose recurrent weights are multiplied by a gain."""
    params = cell.init(jax.random.key(0), D)
    params = params._replace(w_h=gain * params.w_h)
    xs = noise * jax.random.normal(jax.random.key(1), (steps, *batch, D))
    return params, cell.initial(params, batch), xs


@pytest.mark.parametrize(("factor", "steps"), [(0.8, 100), (0.99, 1000), (1.01, 60), (1.01, 300)])
@pytest.mark.sample(1, 1)
def test_growth_of_a_linear_cell_is_the_geometric_series(factor, steps):
    """With W_h = g I every perturbation grows by g per step: lambda = ln g, A = 1 + g + ... + g^(T-1), at most 2 T."""
    cell = elman.cell(H, "linear")
    params, carry, xs = build(cell, steps=steps)
    actual = jax.jit(lambda w_h: newton.growth(cell, params._replace(w_h=w_h), carry, xs))(factor * jnp.eye(H))
    np.testing.assert_allclose(actual.exponent, np.log(factor), rtol=1e-10)
    short = min(steps, newton.SHORT_RUN)
    expected = min((factor**short - 1) / (factor - 1) * max(factor, 1.0) ** (steps - short), 2 * steps)
    np.testing.assert_allclose(actual.amplification, expected, rtol=1e-10)


def test_the_exponent_is_that_of_the_dynamics():
    cell = gru.cell(H, recurrent_init=gaussian())
    params, carry, xs = build(cell, 3.0, steps=newton.SHORT_RUN)
    net = nets.recurrent(cell)
    f, z_0 = dynamics.as_map(net, params)
    exact = jax.jit(lambda: dynamics.lyapunov(f, z_0, xs, k=1, warm_up=40).lam[0])()
    measured = jax.jit(lambda: newton.growth(cell, params, carry, xs))()
    assert abs(float(measured.exponent) - float(exact)) < 0.03
    whole = jax.jit(lambda: newton.growth(cell, params, carry, xs, reverse=True))()
    assert float(whole.exponent) != pytest.approx(float(measured.exponent), abs=1e-6)  # from the other end


def test_padding_adds_no_errors_and_resets_end_them():
    cell = elman.cell(H, "linear")
    params, carry, xs = build(cell, steps=40, batch=(2,))
    params = params._replace(w_h=0.9 * jnp.eye(H))
    mask = jnp.arange(40)[:, None] >= jnp.array([0, 30])
    reset = jnp.zeros((40, 2), bool).at[20].set(True)

    @jax.jit
    def amplification(mask=None, reset=None):
        return newton.growth(cell, params, carry, xs, mask=mask, reset=reset).amplification

    series = (1 - 0.9 ** np.arange(41)) / 0.1
    np.testing.assert_allclose(amplification(), series[[40, 40]], rtol=1e-10)
    np.testing.assert_allclose(amplification(mask=mask), series[[40, 10]], rtol=1e-10)
    np.testing.assert_allclose(amplification(reset=reset), series[[20, 20]], rtol=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [elman, gru])
def test_iterations_are_predicted_on_a_grid_of_gain_and_length(kind, x32):
    """Within 2 of the needed number (13 stands for any above 12) on 90 % of networks outside the fit."""
    cell = kind.cell(32, recurrent_init=gaussian())
    gains = jnp.geomspace(0.25, 4.0, 12)

    def of_gain(key, xs, gain):
        params = cell.init(key, D)
        params = params._replace(w_h=gain * params.w_h)
        arguments = cell, params, cell.initial(params, ()), xs
        return newton.predicted_steps(newton.growth(*arguments)), newton.steps(
            *arguments, iterations=newton.MAX_PREDICTED
        )

    errors = []
    for steps in (32, 128, 512):
        for seed in (1000, 1001):
            xs = 0.5 * jax.random.normal(jax.random.key(seed), (steps, D))
            of_gains = jax.jit(lambda xs, key=jax.random.key(seed): jax.lax.map(lambda g: of_gain(key, xs, g), gains))
            predicted, needed = of_gains(xs)
            errors += np.abs(np.asarray(predicted) - np.asarray(needed)).tolist()
    assert np.mean(np.array(errors) <= 2) >= 0.9


def test_padding_at_the_beginning_hides_nothing():
    """A reversed sequence begins with its padding. NaN counts as many iterations."""
    cell = gru.cell(H, recurrent_init=gaussian())
    params, carry, xs = build(cell, 8.0, steps=600)
    mask = jnp.arange(600) < 300

    @jax.jit
    def predicted(xs, mask):
        return newton.predicted_steps(newton.growth(cell, params, carry, xs, mask=mask, reverse=True))

    assert predicted(xs, mask) == newton.MAX_PREDICTED + 1
    assert predicted(xs, mask) == predicted(xs[:300], mask[:300])
    assert predicted(jnp.full_like(xs, jnp.nan), mask) == newton.MAX_PREDICTED + 1
    assert predicted(xs, jnp.zeros(600, bool)) <= 3  # nothing is computed


def test_inputs_of_another_precision_than_the_carry(x32):
    cell = gru.cell(H)
    params, carry, xs = build(cell, steps=20, batch=(2,))
    amplification = jax.jit(lambda xs: newton.growth(cell, params, carry, xs).amplification)
    low = xs.astype(jnp.bfloat16)
    np.testing.assert_allclose(amplification(low), amplification(xs), rtol=0.05)
    assert jax.jit(lambda: newton.steps(cell, params, carry, low))() in (4, 5)


def test_cells_that_are_linear_in_their_carry_take_one_iteration_and_dead_ones_forget_all():
    cell = elman.cell(H, "linear")
    params, carry, xs = build(cell)
    assert jax.jit(lambda: newton.steps(cell, params, carry, xs))() == 1
    dead = elman.cell(H, "relu")
    params = dead.init(jax.random.key(0), D)._replace(b=jnp.full(H, -100.0))
    actual = jax.jit(lambda: newton.growth(dead, params, dead.initial(params, ()), xs))()
    assert actual.exponent < -100
    assert actual.amplification == 1
