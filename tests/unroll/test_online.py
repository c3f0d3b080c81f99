"""Forward gradients against backpropagation through time, and against the theory of each rule."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxrnn
import jaxrnn.cells
from jaxrnn.cells import ctrnn, diagonal_gru, diagonal_lstm, elman, gru, indrnn, jordan, lru, lstm, min_gru
from jaxrnn.cells.dropout import drop_recurrent
from jaxrnn.cells.transforms import learned
from jaxrnn.data import sine
from jaxrnn.lazy import entries
from jaxrnn.nets import rnn
from jaxrnn.unroll import diagonal_rtrl, eprop, kf_rtrl, rtrl, scan, snap, uoro

T, B, D, H = 6, 2, 2, 3
CELLS = {
    "elman": lambda: elman.cell(H),
    "jordan": lambda: jordan.cell(H, output_size=2),
    "lstm": lambda: lstm.cell(H),
    "gru": lambda: gru.cell(H),
    "gru-before": lambda: gru.cell(H, reset="before"),
    "ctrnn": lambda: ctrnn.cell(H, form="current"),
    "lru": lambda: lru.cell(H),
    "learned": lambda: learned(gru.cell(H)),
}
FILES = entries(jaxrnn.cells.__path__[0], "cell")
CELLS |= {n: lambda n=n: importlib.import_module(f"jaxrnn.cells.{n}").cell(H) for n in FILES if n not in CELLS}
pytestmark = pytest.mark.sample(1, 5)  # one member of each family is plain


def gradients(cell, unroll, *, masked=False, reverse=False, silent=False, batch=(B,)):
    """Returns the value and the gradients by params and carry of a loss of all outputs and the last carry."""
    key_p, key_c, key_x, key_m, key_r = jax.random.split(jax.random.key(0), 5)
    params = cell.init(key_p, D)
    params = jax.tree.map(lambda a: a + 0.3 * jax.random.normal(key_c, a.shape), params)
    if silent:
        params = params._replace(w_h=jnp.zeros_like(params.w_h))
    carry = jax.tree.map(lambda a: a + 0.3, cell.initial(params, batch))
    xs = jax.random.normal(key_x, (T, *batch, D))
    arguments = {"reverse": reverse}
    if masked:
        arguments |= {
            "mask": jax.random.bernoulli(key_m, 0.7, (T, *batch)),
            "reset": jax.random.bernoulli(key_r, 0.3, (T, *batch)),
        }

    def loss(params, carry):
        carry, ys = unroll(cell, params, carry, xs, **arguments)
        weights = jnp.cos(jnp.arange(ys.size)).reshape(ys.shape)
        return jnp.sum(weights * ys**2) + sum(jnp.sum(jnp.sin(a)) for a in jax.tree.leaves(carry))

    return jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))(params, carry)


def agree(actual, expected, rtol=1e-10):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol), actual, expected)


@pytest.mark.parametrize("name", CELLS)
def test_rtrl_is_backpropagation_through_time(name):
    cell = CELLS[name]()
    every = ({}, {"masked": True}, {"masked": True, "reverse": True}, {"batch": (2, 2)})
    for options in every if name == "elman" else every[2:3]:  # mask, reset and reverse together
        agree(gradients(cell, rtrl.unroll(), **options), gradients(cell, scan.unroll(), **options))


@pytest.mark.parametrize("cell", [elman.cell(H), lstm.cell(H)])
def test_snap_with_as_many_steps_as_lead_everywhere_is_rtrl(cell):
    exact = gradients(cell, scan.unroll(), masked=True)
    agree(gradients(cell, snap.unroll(3), masked=True), exact)
    value, one = gradients(cell, snap.unroll(1), masked=True)
    assert value == pytest.approx(exact[0])
    error = max(float(jnp.max(jnp.abs(a - b))) for a, b in zip(*map(jax.tree.leaves, (one, exact[1])), strict=True))
    assert error > 1e-3


@pytest.mark.parametrize("cell", [elman.cell(H), lstm.cell(H), ctrnn.cell(H)])
def test_eprop_is_exact_without_recurrent_weights(cell):
    """Checks params only: h_0 of an LSTM acts only through the product, which E-prop leaves out."""
    exact = gradients(cell, scan.unroll(), silent=True)[1][0]
    agree(gradients(cell, eprop.unroll(), silent=True)[1][0], exact)
    assert np.abs(gradients(cell, eprop.unroll())[1][0].w_h - gradients(cell, scan.unroll())[1][0].w_h).max() > 1e-3


ALONE = {
    "indrnn": indrnn.cell(H, "tanh"),
    "diagonal_gru": diagonal_gru.cell(H),
    "diagonal_lstm": diagonal_lstm.cell(H),
    "min_gru": min_gru.cell(H),
}
WAYS = {"diagonal": diagonal_rtrl.unroll(), "snap": snap.unroll(2)}


@pytest.mark.parametrize(
    ("cell", "unroll"),
    [pytest.param(cell, unroll, id=f"{way}-{name}") for name, cell in ALONE.items() for way, unroll in WAYS.items()],
)
def test_units_that_see_themselves_alone_are_followed_exactly(cell, unroll):
    agree(gradients(cell, unroll, masked=True), gradients(cell, scan.unroll(), masked=True))


def test_eprop_is_exact_for_units_that_see_themselves_alone():
    for cell in (lru.cell(H), min_gru.cell(H), indrnn.cell(H, "tanh")):
        agree(gradients(cell, eprop.unroll()), gradients(cell, scan.unroll()))


@pytest.mark.parametrize(
    ("rule", "masked"),
    [
        pytest.param(uoro, True, id="uoro-masked"),
        pytest.param(kf_rtrl, False, id="kf_rtrl"),
        pytest.param(uoro, False, id="uoro"),
        pytest.param(kf_rtrl, True, id="kf_rtrl-masked"),
    ],
)
def test_drawn_gradients_have_the_exact_one_as_their_mean(rule, masked):
    cell = elman.cell(H)
    keys = jax.random.split(jax.random.key(2), (3000, B))
    params, xs = cell.init(jax.random.key(0), D), jax.random.normal(jax.random.key(1), (T, B, D))
    carry = jax.tree.map(lambda a: a + 0.3, cell.initial(params, (B,)))
    times, arguments = jnp.arange(T)[:, None], {}
    if masked:
        arguments = {"mask": times != jnp.array([1, 4]), "reset": times == jnp.array([3, 7])}

    def gradient(unroll):
        def loss(params, carry):
            return sum(jnp.sum(jnp.sin(a)) for a in jax.tree.leaves(unroll(cell, params, carry, xs, **arguments)))

        return jax.grad(loss, argnums=(0, 1))(params, carry)

    exact = jax.jit(lambda: gradient(scan.unroll()))()
    drawn = jax.jit(jax.vmap(lambda keys: gradient(rule.unroll().with_key(keys))))(keys)
    for actual, expected in zip(*map(jax.tree.leaves, (drawn, exact)), strict=True):
        error = actual.std(axis=0) / np.sqrt(len(keys))
        assert jnp.all(jnp.abs(actual.mean(axis=0) - expected) < 5 * error + 1e-12)
    assert jnp.any(jnp.std(drawn[0].w_h, axis=0) > 1e-2)


def test_a_kronecker_product_varies_less_than_two_vectors():
    cell = elman.cell(H)
    params, xs = cell.init(jax.random.key(0), D), jax.random.normal(jax.random.key(1), (T, B, D))
    keys = jax.random.split(jax.random.key(2), (1000, B))

    def spread(rule):
        def gradient(keys):
            unroll = rule.unroll().with_key(keys)
            return jax.grad(lambda p: jnp.sum(jnp.sin(unroll(cell, p, cell.initial(p, (B,)), xs)[1])))(params).w_h

        return float(jnp.sum(jnp.var(jax.jit(jax.vmap(gradient))(keys), axis=0)))

    assert spread(kf_rtrl) < 0.5 * spread(uoro)


@pytest.mark.parametrize("rule", [uoro, kf_rtrl], ids=["uoro", "kf_rtrl"])
def test_draws_depend_on_the_keys_only(rule):
    cell, params = elman.cell(H), elman.cell(H).init(jax.random.key(0), D)

    @jax.jit
    def gradient(scale, seed=0):
        keys = jax.random.split(jax.random.key(seed), B)

        def loss(params):
            ys = rule.unroll().with_key(keys)(cell, params, cell.initial(params, (B,)), jnp.ones((T, B, D)))[1]
            return scale * jnp.sum(ys)

        return jax.grad(loss)(params).w_h

    np.testing.assert_array_equal(gradient(1.0), gradient(1.0))
    np.testing.assert_allclose(gradient(1.1), 1.1 * gradient(1.0), rtol=1e-12)  # linear in dL/dh, as any gradient
    assert np.abs(gradient(1.0) - gradient(1.0, seed=1)).max() > 1e-3


@pytest.mark.parametrize("rule", [uoro, kf_rtrl], ids=["uoro", "kf_rtrl"])
def test_layers_sequences_and_steps_draw_from_keys_of_their_own(rule):
    """A net passes its keys on: the mean over them is exact for both layers, and a second layer draws anew."""
    net = rnn(elman.cell(H), 1, layers=2)
    params, xs = net.init(jax.random.key(0), D), jax.random.normal(jax.random.key(1), (T, B, D))

    def gradient(unroll, key=None):
        unrolled = net.with_unroll(unroll)
        return jax.grad(lambda p: jnp.sum(jnp.sin(unrolled.apply(p, net.initial(p, (B,)), xs, key=key)[1])))(params)

    keys = jax.random.split(jax.random.key(2), (3000, B))
    drawn = jax.jit(jax.vmap(lambda key: gradient(rule.unroll(), key)))(keys)
    for actual, expected in zip(*map(jax.tree.leaves, (drawn[1], gradient(scan.unroll())[1])), strict=True):
        error = actual.std(axis=0) / np.sqrt(len(keys))  # the last layer alone: a rule cuts the gradient of its inputs
        assert jnp.all(jnp.abs(actual.mean(axis=0) - expected) < 5 * error + 1e-12)
    assert jnp.any(jnp.std(drawn[0].w_h, axis=0) > 1e-3)
    with pytest.raises(ValueError, match="expected one PRNG key per sequence, found none"):
        gradient(rule.unroll())
    unkeyed = net.with_unroll(rule.unroll()).apply(params, net.initial(params, (B,)), xs)
    agree(unkeyed, net.apply(params, net.initial(params, (B,)), xs))


def test_every_update_draws_anew_and_a_run_can_be_repeated(x32):
    data = sine.dataset(points=8)
    batch = data.splits["test"]
    data = data._replace(train=data.train._replace(batch=lambda arrays, items: batch))

    def norms(unroll, seed):
        """The norm of the gradient at four updates with the same data and, but for 1e-12, the same params."""
        run = jaxrnn.fit(
            rnn(elman.cell(H), 1),
            data,
            **{"steps": 4, "report_every": 1, "batch_size": 1, "learning_rate": 1e-12, "unroll": unroll, "seed": seed},
        )
        return run.history.where(split="train")["grad_norm"]

    exact, drawn = norms(rtrl.unroll(), 0), norms(uoro.unroll(), 0)
    np.testing.assert_allclose(exact, exact[0], rtol=1e-6)
    assert len(np.unique(drawn.round(4))) == len(drawn) == 4
    np.testing.assert_array_equal(drawn, norms(uoro.unroll(), 0))
    assert np.abs(drawn - norms(uoro.unroll(), 1)).min() > 1e-4


def test_a_network_is_trained_by_them():
    net = rnn(elman.cell(H), 1)
    params = net.init(jax.random.key(0), D)
    xs = jax.random.normal(jax.random.key(1), (T, B, D))

    def gradient(unroll):
        unrolled = net.with_unroll(unroll)
        return jax.jit(jax.grad(lambda p: jnp.sum(unrolled.apply(p, unrolled.initial(p, (B,)), xs)[1] ** 2)))(params)

    agree(gradient(rtrl.unroll()), gradient(scan.unroll()))


def test_what_cannot_be_followed_is_refused():
    cell = elman.cell(H)
    params = cell.init(jax.random.key(0), D)
    dropped = drop_recurrent(params, jax.random.split(jax.random.key(1), B), 0.5)
    with pytest.raises(ValueError, match="weights that all sequences share"):
        rtrl.unroll()(cell, dropped, cell.initial(params, (B,)), jnp.ones((T, B, D)))
    before = gru.cell(H, reset="before")
    params = before.init(jax.random.key(0), D)
    with pytest.raises(ValueError, match="unroll=eprop needs a cell"):
        eprop.unroll()(before, params, before.initial(params, (B,)), jnp.ones((T, B, D)))
    params = lstm.cell(H).init(jax.random.key(0), D)
    with pytest.raises(ValueError, match="Elman cell only: expected ElmanParams, found LSTMParams"):
        kf_rtrl.unroll()(lstm.cell(H), params, lstm.cell(H).initial(params, (B,)), jnp.ones((T, B, D)))
