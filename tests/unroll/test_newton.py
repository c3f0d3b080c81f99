"""Newton's method against the plain scan: random and trained networks, gradients, and iterations that fail."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman, gru, jordan, lstm
from jaxrnn.data import noisy_cosine
from jaxrnn.optimizers import optimizer
from jaxrnn.training import Task, Trainer, engine
from jaxrnn.unroll import newton
from jaxrnn.unroll.deferred import deferred
from jaxrnn.unroll.scan import scan

T, B, D, H = 60, 3, 2, 8
CELLS = {
    "elman": lambda: elman.cell(H),
    "jordan": lambda: jordan.cell(H, 2),
    "lstm": lambda: lstm.cell(H),
    "gru": lambda: gru.cell(H),
}
KINDS = [(name, kind) for name in CELLS for kind in ("full", "diagonal") if (name, kind) != ("jordan", "diagonal")]
QUICK = [("lstm", "diagonal")]
SLOW = (pytest.mark.slow, pytest.mark.share(3))


def outcome(unroll, cell, params, xs, carry=None, **arguments):
    """Returns outputs with the last carry, and the gradients of params, carry and inputs."""
    carry = cell.initial(params, xs.shape[1:-1]) if carry is None else carry

    def loss(params, carry, xs):
        last, ys = unroll(cell, params, carry, xs, **arguments)
        weights = jnp.cos(jnp.arange(ys.size)).reshape(ys.shape)
        return jnp.mean(weights * ys**2) + sum(jnp.mean(a**2) for a in jax.tree.leaves(last)), (ys, last)

    (_, outputs), gradients = jax.jit(jax.value_and_grad(loss, (0, 1, 2), has_aux=True))(params, carry, xs)
    return outputs, gradients


def distance(got, expected):
    """The largest error of an array, relative to its largest number."""
    errors = jax.tree.map(lambda a, b: jnp.max(jnp.abs(a - b)) / jnp.maximum(jnp.max(jnp.abs(b)), 1e-3), got, expected)
    return max(float(error) for error in jax.tree.leaves(errors))


@pytest.mark.parametrize(("name", "kind"), [pytest.param(*each, marks=() if each in QUICK else SLOW) for each in KINDS])
def test_random_networks(name, kind, x32, monkeypatch):
    """In float32: values to 1e-5, gradients to 1e-4; with a mask, resets, and backwards; never by the plain scan."""
    monkeypatch.setattr(jax.lax, "cond", lambda converged, actual, fallback: actual())
    cell = CELLS[name]()
    params = cell.init(jax.random.key(0), D)
    xs = 2 * jax.random.normal(jax.random.key(1), (T, B, D))
    arguments = {
        "mask": jax.random.bernoulli(jax.random.key(2), 0.8, (T, B)),
        "reset": jax.random.bernoulli(jax.random.key(3), 0.06, (T, B)),
        "reverse": True,
    }
    for options in ({}, arguments) if name == "elman" else (arguments,):
        outputs, gradients = outcome(newton.unroll(kind, iterations=40), cell, params, xs, **options)
        expected, exact = outcome(scan, cell, params, xs, **options)
        assert distance(outputs, expected) < 1e-5
        assert distance(gradients, exact) < 1e-4


@pytest.mark.slow
@pytest.mark.share(3)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_trained_networks(name, kind, x32):
    net = nets.rnn(CELLS[name](), 1)
    task = Task(net, noisy_cosine.dataset(), optimizer(optax.scale_by_adam(), 3e-3), Trainer(2000, 1, 500))
    run = engine.single(task, 0)
    state = run.init()
    for _ in range(4):
        state, report = run.advance(state, 500)
    assert report.loss.mean() < 0.1
    xs = jnp.cos(0.3 * jnp.arange(1000.0))[:, None, None] + 0.05 * jax.random.normal(jax.random.key(1), (1000, 1, 1))
    outputs, gradients = outcome(newton.unroll(kind), CELLS[name](), state.params[0], xs)
    expected, exact = outcome(scan, CELLS[name](), state.params[0], xs)
    assert distance(outputs, expected) < 1e-5
    assert distance(gradients, exact) < 1e-4


def whiles(cell, **options):
    """Counts the while loops in the program that computes the carries."""
    params = cell.init(jax.random.key(0), D)
    xs = jnp.ones((T, D))
    program = jax.make_jaxpr(lambda params: newton.unroll(**options)(cell, params, cell.initial(params, ()), xs))(
        params
    )
    return str(program).count("while[")


def test_a_linear_cell_needs_no_iteration():
    assert whiles(elman.cell(H, "linear")) == 0
    assert whiles(elman.cell(H)) == 1
    cell = elman.cell(H, "linear")
    params = cell.init(jax.random.key(0), D)
    xs = jax.random.normal(jax.random.key(1), (T, B, D))
    got, expected = (outcome(unroll, cell, params, xs) for unroll in (newton.unroll(), scan))
    assert distance(got, expected) < 1e-11


@pytest.mark.slow
def test_iterations_that_do_not_converge_give_the_plain_scan():
    """A chaotic network of gain 5, and a limit of zero iterations."""
    cell = elman.cell(32)
    params = cell.init(jax.random.key(0), D)
    params = params._replace(w_h=5 * params.w_h)
    xs = jax.random.normal(jax.random.key(1), (200, B, D))
    carry = cell.initial(params, (B,))
    last, ys = jax.jit(lambda: scan(cell, params, carry, xs))()
    for options in ({}, {"iterations": 3}, {"jacobian": "diagonal"}):
        got = jax.jit(lambda o=options: newton.unroll(**o)(cell, params, carry, xs))()
        np.testing.assert_allclose(got[1], ys, rtol=0, atol=1e-9)
        np.testing.assert_allclose(got[0].h, last.h, rtol=0, atol=1e-9)
    starved = newton.unroll(iterations=0)
    gradients = [
        outcome(unroll, lstm.cell(H), lstm.cell(H).init(jax.random.key(0), D), xs) for unroll in (starved, scan)
    ]
    assert distance(*gradients) < 1e-11


def test_both_modes_of_differentiation_agree():
    cell = gru.cell(4)
    params = cell.init(jax.random.key(0), D)
    xs = jax.random.normal(jax.random.key(1), (20, D))

    @jax.jit
    def value(scale):
        return jnp.sum(newton.unroll()(cell, params, cell.initial(params, ()), scale * xs)[1])

    forward, reverse = jax.jit(jax.jacfwd(value))(1.0), jax.jit(jax.grad(value))(1.0)
    np.testing.assert_allclose(forward, reverse, rtol=1e-11)
    step = 1e-6
    np.testing.assert_allclose(reverse, (value(1 + step) - value(1 - step)) / (2 * step), rtol=1e-7)


def test_second_derivatives():
    cell = elman.cell(4)
    params = cell.init(jax.random.key(0), D)
    xs = jax.random.normal(jax.random.key(1), (6, D))

    def second(unroll):
        def value(scale):
            return jnp.sum(unroll(cell, params, cell.initial(params, ()), scale * xs)[1])

        return jax.jit(jax.grad(jax.grad(value)))(1.0)

    np.testing.assert_allclose(second(newton.unroll()), second(scan), rtol=1e-10)


@pytest.mark.slow
def test_many_networks_at_once():
    """vmap over params, as sweeps do."""
    cell = gru.cell(4)
    xs = jax.random.normal(jax.random.key(1), (20, B, D))
    many = jax.vmap(lambda key: cell.init(key, D))(jax.random.split(jax.random.key(0), 3))
    for unroll in (newton.unroll(), newton.unroll("diagonal"), deferred):

        def gradient(params, unroll=unroll):
            return jax.grad(lambda p: jnp.sum(unroll(cell, p, cell.initial(p, (B,)), xs)[1] ** 2))(params)

        together = jax.jit(jax.vmap(gradient))(many)
        alone = jax.jit(gradient)(jax.tree.map(lambda a: a[1], many))
        assert distance(jax.tree.map(lambda a: a[1], together), alone) < 1e-11


def test_cells_that_the_diagonal_does_not_take_are_refused():
    for cell in (jordan.cell(4, 2), gru.cell(4, reset="before")):
        params = cell.init(jax.random.key(0), D)
        with pytest.raises(ValueError, match=r"unroll\.jacobian=full takes every cell"):
            newton.unroll("diagonal")(cell, params, cell.initial(params, ()), jnp.ones((5, D)))
