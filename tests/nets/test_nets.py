"""The combinators, and the ways to use a network."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman, gru, jordan, lstm
from jaxrnn.nets import decode
from jaxrnn.types import Net, Pair

T, B, D, H, K = 6, 3, 2, 4, 2
XS = 1 + jax.random.normal(jax.random.key(9), (T, B, D), "float32")
KEYS = jax.random.split(jax.random.key(7), B)


def initialised(net, width=D, seed=0):
    return jax.jit(net.init, static_argnums=1)(jax.random.key(seed), width)


def run(net, xs=XS, seed=0, **kwargs):
    params = initialised(net, xs.shape[-1], seed)
    carry, ys = jax.jit(lambda p, x: net.apply(p, net.initial(p, x.shape[1:-1]), x, **kwargs))(params, xs)
    return params, carry, ys


NETS = {
    "plain": nets.rnn(lstm.cell(H), K),
    "stacked": nets.rnn(gru.cell(H), K, layers=3),
    "residual": nets.rnn(elman.cell(H), K, layers=3, residual=True),
    "dropout": nets.rnn(lstm.cell(H), K, layers=2, dropout=0.5),
    "variational": nets.rnn(lstm.cell(H), K, layers=2, dropout=0.5, variational=True, recurrent_dropout=0.5),
    "bidirectional": nets.rnn(gru.cell(H), K, layers=2, bidirectional="concat"),
    "summed": nets.rnn(lstm.cell(H), K, bidirectional="sum"),
    "jordan": nets.rnn(jordan.cell(H, K), K, layers=2, readout=False),
    "learned": nets.rnn(lstm.cell(H), K, layers=2, learned_carry=True),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.sample(2, 2)
def test_protocol(name):
    net = NETS[name]
    assert isinstance(net, Net)
    assert net.width(D) == K
    mask = jnp.arange(T)[:, None] < jnp.array([T, 2, 0])
    params, carry, ys = run(net, jnp.where(mask[..., None], XS, jnp.nan), mask=mask, key=KEYS)
    assert ys.shape == (T, B, K)
    assert not ys[2:, 1].any()
    assert not ys[:, 2].any()
    assert bool(jnp.isfinite(ys).all())
    first = net.initial(params, (B,))
    assert jax.tree.map(lambda a: (a.shape, a.dtype), carry) == jax.tree.map(lambda a: (a.shape, a.dtype), first)


def test_layers_are_independent():
    params = nets.serial(*[nets.recurrent(elman.cell(H))] * 3).init(jax.random.key(0), H)
    assert np.abs(params[0].w_h - params[1].w_h).max() > 0.1


def test_residual_adds_the_input_and_refuses_other_widths():
    net = nets.residual(nets.recurrent(elman.cell(D)))
    params, _, ys = run(net)
    inner = nets.recurrent(elman.cell(D))
    expected = jax.jit(inner.apply)(params, inner.initial(params, (B,)), XS)[1]
    np.testing.assert_allclose(ys - XS, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="as wide as the input, 2, got width 4"):
        nets.residual(nets.recurrent(elman.cell(H))).init(jax.random.key(0), D)


def test_merges():
    outputs = {}
    for merge in ("concat", "sum", "mul", "ave"):
        layer = nets.bidirectional(nets.recurrent(gru.cell(H)), nets.recurrent(gru.cell(H), reverse=True), merge)
        _, _, outputs[merge] = run(layer)
        assert layer.width(D) == (2 * H if merge == "concat" else H)
    forward, backward = jnp.split(outputs["concat"], 2, axis=-1)
    np.testing.assert_allclose(outputs["sum"], forward + backward, rtol=1e-5)
    np.testing.assert_allclose(outputs["mul"], forward * backward, rtol=1e-5)
    np.testing.assert_allclose(outputs["ave"], (forward + backward) / 2, rtol=1e-5)


def test_dropout_scales_and_repeats():
    ones = jnp.ones((200, 50, 20))
    keys = jax.random.split(jax.random.key(0), 50)
    fresh = nets.dropout(0.3).apply((), (), ones, key=keys)[1]
    np.testing.assert_allclose(jnp.unique(fresh), [0, 1 / 0.7])
    np.testing.assert_allclose(fresh.mean(), 1, atol=0.01)
    assert jnp.any(fresh[0] != fresh[1])
    same = nets.dropout(0.3, variational=True).apply((), (), ones, key=keys)[1]
    np.testing.assert_array_equal(same, jnp.broadcast_to(same[0], same.shape))
    assert jnp.any(same[0, 0] != same[0, 1])
    np.testing.assert_array_equal(nets.dropout(0.3).apply((), (), ones)[1], ones)


@pytest.mark.parametrize("reset", ["after", "before"])
def test_recurrent_dropout_masks_the_state_where_it_enters_the_product(reset):
    """A GRU of Gal & Ghahramani written out: the mask is on h in the products, not on the leak z * h."""
    cell = gru.cell(H, reset=reset)
    net = nets.recurrent(cell, dropout=0.5)
    params = initialised(net)
    _, ys = jax.jit(net.apply)(params, net.initial(params, (B,)), XS, key=KEYS)
    keep = np.stack([np.asarray(jax.random.bernoulli(k, 0.5, (H,)) / 0.5) for k in KEYS])
    assert 0 < (keep == 0).mean() < 1
    p, h = jax.tree.map(np.asarray, params), np.zeros((B, H))
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    for t in range(T):
        u_r, u_z, u_n = np.split(np.asarray(XS[t]) @ p.w_x + p.b, 3, axis=-1)
        w_r, w_z, w_n = np.split(p.w_h, 3, axis=-1)
        r, z = sigmoid(u_r + (keep * h) @ w_r), sigmoid(u_z + (keep * h) @ w_z)
        n = np.tanh(u_n + (r * ((keep * h) @ w_n + p.b_hn) if reset == "after" else (keep * r * h) @ w_n))
        h = (1 - z) * n + z * h
        np.testing.assert_allclose(ys[t], h, rtol=1e-5, atol=1e-6)


def test_recurrent_dropout_needs_a_recurrent_weight():
    from jaxrnn.cells.dropout import drop_recurrent

    with pytest.raises(ValueError, match="w_h"):
        drop_recurrent(nets.AffineParams(jnp.ones((2, 2)), jnp.ones(2)), KEYS, 0.5)


def test_last_takes_each_sequences_own_last_step():
    inner = nets.rnn(lstm.cell(H), K)
    mask = jnp.arange(T)[:, None] < jnp.array([T, 2, 0])
    params, _, ys = run(inner, mask=mask)
    apply = jax.jit(nets.last(inner).apply)
    _, out = apply(params, inner.initial(params, (B,)), XS, mask=mask)
    np.testing.assert_allclose(out[0, 0], ys[-1, 0], rtol=1e-6)
    np.testing.assert_allclose(out[0, 1], ys[1, 1], rtol=1e-6)
    assert not out[0, 2].any()
    assert out.shape == (1, B, K)
    _, empty = apply(params, inner.initial(params, (B,)), XS[:0], mask=mask[:0])
    np.testing.assert_array_equal(empty, np.zeros((1, B, K)))
    _, whole = apply(params, inner.initial(params, (B,)), XS)
    np.testing.assert_allclose(whole[0], run(inner)[2][-1], rtol=1e-6)


def test_embed_reads_rows():
    net = nets.serial(nets.embed(5, 3), nets.recurrent(gru.cell(H)))
    symbols = jnp.array([[0], [4], [2]])[..., None]
    params, _, ys = run(net, symbols)
    np.testing.assert_allclose(
        nets.embed(5, 3).apply(params[0], (), symbols)[1][:, 0], params[0].w[jnp.array([0, 4, 2])]
    )
    assert ys.shape == (3, 1, H)
    with pytest.raises(ValueError, match="one integer"):
        nets.embed(5, 3).init(jax.random.key(0), 2)


def encoder_decoder(length=4):
    encoder = nets.serial(nets.recurrent(lstm.cell(H)))
    decoder = nets.serial(nets.recurrent(lstm.cell(H)), nets.affine(K))
    return nets.encoder_decoder(encoder, decoder, length, K)


def test_encoder_decoder_taught_with_its_own_outputs_repeats_them():
    net = encoder_decoder()
    params = initialised(net)
    carry = net.initial(params, (B,))
    apply = jax.jit(net.apply)
    _, free = apply(params, carry, Pair(XS, None))
    assert free.shape == (4, B, K)
    _, taught = apply(params, carry, Pair(XS, free))
    np.testing.assert_allclose(taught, free, rtol=1e-5, atol=1e-6)
    _, other = apply(params, carry, Pair(XS, free + 1))
    np.testing.assert_allclose(other[0], free[0], rtol=1e-5, atol=1e-6)  # the first input is zeros in both
    assert jnp.max(jnp.abs(other[1:] - free[1:])) > 1e-3
    _, blind = apply(params, carry, Pair(XS + 1, free))
    assert jnp.max(jnp.abs(blind - free)) > 1e-3  # the source matters


@pytest.mark.slow
def test_targets_that_end_early_reach_no_gradient():
    net = encoder_decoder()
    params = net.init(jax.random.key(0), D)
    mask = jnp.arange(4)[:, None] < jnp.array([4, 2, 0])
    truth = jax.random.normal(jax.random.key(2), (4, B, K), "float32")

    def loss(params, targets):
        pair = Pair(XS, jnp.where(mask[..., None], targets, jnp.nan), mask)
        return jnp.sum(net.apply(params, net.initial(params, (B,)), pair)[1] ** 2)

    grads = jax.grad(loss)(params, truth)
    assert all(bool(jnp.isfinite(a).all()) for a in jax.tree.leaves(grads))
    np.testing.assert_allclose(loss(params, truth), loss(params, truth + 5 * ~mask[..., None]), rtol=1e-6)


def test_encoder_decoder_learns_to_reverse():
    """Sequences of three numbers, backwards: what only a carry that crosses over can do."""
    import optax

    net = encoder_decoder(3)
    xs = jax.random.uniform(jax.random.key(0), (3, 32, 2))
    pair = Pair(xs, xs[::-1])
    tx = optax.adam(0.02)

    def loss(params):
        return jnp.mean((net.apply(params, net.initial(params, (32,)), pair)[1] - pair.targets) ** 2)

    def update(state, _):
        params, opt_state = state
        value, grads = jax.value_and_grad(loss)(params)
        updates, opt_state = tx.update(grads, opt_state)
        return (optax.apply_updates(params, updates), opt_state), value

    params = net.init(jax.random.key(1), 2)
    _, values = jax.jit(lambda s: jax.lax.scan(update, s, length=600))((params, tx.init(params)))
    assert values[-1] < 0.15 * values[0]


# The ways to use a network.


@pytest.fixture(
    params=[
        "stacked",
        "jordan",
        *(pytest.param(n, marks=(pytest.mark.slow, pytest.mark.share(2))) for n in ("plain", "learned")),
    ]
)
def causal(request):
    net = NETS[request.param]
    return net, initialised(net)


def test_step_by_step_is_the_whole_sequence(causal):
    net, params = causal
    carry = net.initial(params, (B,))
    _, whole = jax.jit(net.apply)(params, carry, XS)
    step = jax.jit(partial(decode.step, net))
    for t in range(T):
        carry, y = step(params, carry, XS[t])
        np.testing.assert_allclose(y, whole[t], rtol=1e-5, atol=1e-6)


def test_warm_up_then_go_on(causal):
    net, params = causal
    carry = net.initial(params, (B,))
    _, whole = jax.jit(net.apply)(params, carry, XS)
    _, rest = jax.jit(lambda p, c: net.apply(p, decode.warm_up(net, p, c, XS[:4]), XS[4:]))(params, carry)
    np.testing.assert_allclose(rest, whole[4:], rtol=1e-5, atol=1e-6)


def test_generation_feeds_every_output_back(causal):
    net, params = causal
    carry = net.initial(params, (B,))
    step = jax.jit(partial(decode.step, net))
    _, ys = jax.jit(lambda params: decode.prime_and_generate(net, params, XS, 5))(params)
    x = None
    for x_t in XS:
        carry, x = step(params, carry, x_t)
    for t in range(5):
        np.testing.assert_allclose(ys[t], x, rtol=1e-4, atol=1e-5)
        carry, x = step(params, carry, x)
    first = net.initial(params, (B,))
    _, from_one = jax.jit(lambda p: decode.generate(net, p, first, XS[0], 3, feedback=lambda y: -y))(params)
    carry, y = step(params, first, XS[0])
    np.testing.assert_allclose(from_one[0], y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(from_one[1], step(params, carry, -y)[1], rtol=1e-4, atol=1e-5)


def test_what_cannot_stream_says_so():
    net = NETS["bidirectional"]
    params = initialised(net)
    with pytest.raises(ValueError, match="reads the future"):
        decode.generate(net, params, net.initial(params, (B,)), XS[0], 3)
    wide = nets.rnn(lstm.cell(H), K + 1)
    params = initialised(wide)
    with pytest.raises(ValueError, match="cannot be an input"):
        decode.generate(wide, params, wide.initial(params, (B,)), XS[0], 3)
