"""Attention against hand calculations, and the encoder-decoder of symbols."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import nets
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.nets import attention
from jaxrnn.nets.layers import TiedParams
from jaxrnn.nets.parametrized import parametrized
from jaxrnn.parametrizations import orthogonal
from jaxrnn.types import Pair

S, T, B, H, M, K = 5, 4, 3, 6, 4, 7
KEY = jax.random.key(0)
XS = jax.random.normal(jax.random.key(1), (T, B, 2))
MEMORY = jax.random.normal(jax.random.key(2), (B, S, M))
VALID = jnp.arange(S) < jnp.array([5, 3, 1])[:, None]


def kinds():
    return {
        "luong": attention.luong(nets.recurrent(elman.cell(H)), M, K),
        "bahdanau": attention.bahdanau(elman.cell(H), M, 8),
    }


def initialised(net, width):
    return jax.jit(net.init, static_argnums=1)(KEY, width)


def attended(net, params, memory=MEMORY, valid=VALID):
    return net.initial(params, (B,))._replace(memory=memory, valid=valid)


def softmax(scores):
    exp = np.exp(scores - scores.max())
    return exp / exp.sum()


def computed(name):
    """The params, memory and inputs of a net with attention, its outputs and its attention weights, on the host."""
    net = kinds()[name]
    params = initialised(net, 2)
    carry = attended(net, params)
    _, ys = jax.jit(net.apply)(params, carry, XS)
    return jax.device_get((params, MEMORY, XS, ys, jax.jit(net.attention)(params, carry, XS)))


def test_luong_is_the_hand_calculation():
    params, memory, xs, ys, looked = computed("luong")
    for b, steps in enumerate((5, 3, 1)):
        h = np.zeros(H)
        for t in range(T):
            h = np.tanh(xs[t, b] @ params.net.w_x + h @ params.net.w_h + params.net.b)
            a = softmax(np.array([h @ params.w_a @ memory[b, s] for s in range(steps)]))
            context = a @ memory[b, :steps]
            np.testing.assert_allclose(ys[t, b], np.tanh(np.concatenate([context, h]) @ params.w_c), rtol=1e-10)
            np.testing.assert_allclose(looked[t, b], np.pad(a, (0, S - steps)), atol=1e-12)


def test_bahdanau_is_the_hand_calculation():
    params, memory, xs, ys, looked = computed("bahdanau")
    own = params.cell
    for b, steps in enumerate((5, 3, 1)):
        h = np.zeros(H)
        for t in range(T):
            scores = [np.tanh(h @ params.w_s + memory[b, s] @ params.w_m) @ params.v for s in range(steps)]
            a = softmax(np.array(scores))
            context = a @ memory[b, :steps]
            h = np.tanh(np.concatenate([xs[t, b], context]) @ own.w_x + h @ own.w_h + own.b)
            np.testing.assert_allclose(ys[t, b], np.concatenate([h, context]), rtol=1e-10)
            np.testing.assert_allclose(looked[t, b], np.pad(a, (0, S - steps)), atol=1e-12)


@pytest.mark.parametrize("name", ["luong", "bahdanau"])
def test_attention_to_one_source_step_is_the_identity(name):
    net = kinds()[name]
    weights = net.attention
    params = initialised(net, 2)
    one = attended(net, params, MEMORY[:, :1], jnp.ones((B, 1), bool))
    np.testing.assert_array_equal(jax.jit(weights)(params, one, XS), 1.0)
    if name == "bahdanau":
        _, ys = jax.jit(net.apply)(params, one, XS)
        np.testing.assert_allclose(ys[..., H:], np.broadcast_to(MEMORY[:, 0], (T, B, M)), rtol=1e-12)


@pytest.mark.parametrize("name", ["luong", "bahdanau"])
@pytest.mark.sample(1, 1)
def test_attention_is_shared_out_over_the_valid_source_steps_alone(name):
    """A memory that nothing was read into, and one of padding, get none of it."""
    net = kinds()[name]
    weights = net.attention
    params = initialised(net, 2)
    weights = jax.jit(weights)
    np.testing.assert_array_equal(weights(params, net.initial(params, (B,)), XS), 0.0)
    valid = VALID.at[2].set(False)
    shares = net.attention(params, attended(net, params, valid=valid), XS)
    assert not shares[:, ~valid].any()
    np.testing.assert_allclose(shares[:, :2].sum(axis=-1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", ["luong", "bahdanau"])
@pytest.mark.sample(1, 1)
def test_a_net_made_of_others_has_the_attention_of_its_part(name):
    part, symbols = kinds()[name], jax.random.randint(KEY, (T, B, 1), 0, 5)
    params = part.init(KEY, 2)
    carry = attended(part, params)
    expected = part.attention(params, carry, XS)
    stacked = nets.serial(nets.affine(2), part, nets.affine(K))
    identity = nets.AffineParams(jnp.eye(2), jnp.zeros(2))
    np.testing.assert_array_equal(stacked.attention((identity, params, None), ((), carry, ()), XS), expected)
    free = parametrized(part, orthogonal())
    np.testing.assert_array_equal(
        free.attention(params, carry, XS), part.attention(free.explicit_weights.weights(params), carry, XS)
    )
    w = jax.random.normal(KEY, (5, 2))
    np.testing.assert_array_equal(
        nets.tied(part, 5, 2).attention(TiedParams(params, w, None), carry, symbols),
        part.attention(params, carry, w[symbols[..., 0]]),
    )
    assert nets.affine(2).attention is None
    assert nets.serial(nets.affine(2)).attention is None


@pytest.mark.parametrize("name", ["luong", "bahdanau"])
@pytest.mark.sample(1, 1)
def test_padding_of_the_source_reaches_nothing(name):
    net = kinds()[name]
    params = initialised(net, 2)

    def loss(params, memory):
        return jnp.sum(net.apply(params, attended(net, params, memory), XS)[1] ** 2)

    other = jnp.where(VALID[..., None], MEMORY, 1e3)
    run = jax.jit(jax.value_and_grad(loss))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), run(params, MEMORY), run(params, other))


@pytest.mark.parametrize(
    "attend", ["luong", *(pytest.param(each, marks=pytest.mark.slow) for each in (None, "bahdanau"))]
)
def test_taught_and_free_answers_agree_where_the_teacher_says_what_the_net_says(attend):
    net = nets.seq2seq(gru.cell(H), K, "symbols", 5, embedding=3, attention=attend, layers=2, bidirectional="concat")
    params = initialised(net, 1)
    source = jax.random.randint(KEY, (S, B, 1), 0, 5)
    mask = (jnp.arange(S) < jnp.array([5, 3, 1])[:, None]).T
    carry = net.initial(params, (B,))
    apply = jax.jit(net.apply)
    _, free = apply(params, carry, Pair(source, None), mask=mask)
    said = jnp.argmax(free[:T], axis=-1, keepdims=True)
    _, taught = apply(params, carry, Pair(source, said), mask=mask)
    np.testing.assert_allclose(taught, free[:T], rtol=1e-9, atol=1e-12)

    @jax.jit
    def draw(params):
        own, carry = net.decoding.encode(params, source, mask)
        first = net.decoding.start((B,))
        return nets.decode.sample(net.decoding.decoder, own, carry, first, T, nets.draws.greedy)[1]

    drawn = draw(params)
    np.testing.assert_array_equal(drawn, said)


@pytest.mark.parametrize("attend", ["luong", "bahdanau"])
@pytest.mark.sample(1, 1)
def test_a_decoder_attends_to_what_its_encoder_read_and_to_no_padding(attend):
    net = nets.seq2seq(gru.cell(H), K, "symbols", vocabulary_size=5, attention=attend)
    params = initialised(net, 1)
    mask = jnp.arange(S)[:, None] < jnp.array([5, 3, 0])

    @jax.jit
    def attention_of(params):
        own, carry = net.decoding.encode(params, jnp.ones((S, B, 1), int), mask)
        return net.decoding.decoder.attention(own, carry, jnp.ones((T, B, 1), int))

    shares = attention_of(params)
    np.testing.assert_allclose(shares.sum(axis=-1), np.broadcast_to([1, 1, 0], (T, B)), rtol=1e-12)
    assert not shares[:, ~mask.T].any()


def test_scheduled_sampling_reads_its_own_outputs():
    def made(rate):
        return nets.seq2seq(lstm.cell(H), K, "symbols", vocabulary_size=5, scheduled_sampling=rate)

    params, source = initialised(made(0.0), 1), jnp.ones((S, B, 1), int)
    wrong = jnp.full((T, B, 1), 3)
    keys, carry = jax.random.split(KEY, B), made(0.0).initial(params, (B,))
    always, never = jax.jit(made(0.999).apply), jax.jit(made(0.0).apply)
    taught = never(params, carry, Pair(source, wrong), key=keys)[1]
    own = always(params, carry, Pair(source, wrong), key=keys)[1]
    free = never(params, carry, Pair(source, None))[1][:T]
    np.testing.assert_allclose(own, free, rtol=1e-9, atol=1e-12)
    assert np.abs(taught - own).max() > 1e-3
    without_key = always(params, carry, Pair(source, wrong))[1]
    np.testing.assert_allclose(without_key, taught, rtol=1e-12)


def test_tied_embedding_uses_one_matrix():
    net = nets.symbol_rnn(lstm.cell(H), K, vocabulary_size=K, embedding=H, tied_embedding=True)
    params = net.init(KEY, 1)
    xs = jax.random.randint(KEY, (T, B, 1), 0, K)
    hs = nets.recurrent(lstm.cell(H)).apply(params.net[0], net.initial(params, (B,))[0], params.w[xs[..., 0]])[1]
    ys = net.apply(params, net.initial(params, (B,)), xs)[1]
    np.testing.assert_allclose(ys, hs @ params.w.T + params.b, rtol=1e-10, atol=1e-12)
    with pytest.raises(ValueError, match="embedding=6"):
        nets.symbol_rnn(lstm.cell(H), K, vocabulary_size=K, embedding=H + 1, tied_embedding=True).init(KEY, 1)


def test_one_hot_and_embedding_read_the_same_symbols():
    xs = jnp.array([[[2.0]], [[0.0]]])
    assert nets.one_hot(3).apply((), (), xs)[1].tolist() == [[[0, 0, 1]], [[1, 0, 0]]]
    embed = nets.embed(3, 4)
    params = embed.init(KEY, 1)
    np.testing.assert_array_equal(embed.apply(params, (), xs)[1][:, 0], params.w[jnp.array([2, 0])])


@pytest.mark.parametrize("name", ["luong", "bahdanau"])
def test_any_number_of_batch_axes_gives_the_same_outputs(name):
    layer = {"luong": lambda: attention.luong(nets.recurrent(gru.cell(3)), 2, 4),
             "bahdanau": lambda: attention.bahdanau(gru.cell(3), 2, 4)}[name]()  # fmt: skip
    params, rng = layer.init(jax.random.key(0), 3), np.random.default_rng(0)
    xs, memory, valid = rng.normal(size=(5, 4, 3)), rng.normal(size=(4, 6, 2)), rng.random((4, 6)) < 0.8

    def run(xs, memory, valid):
        carry = layer.initial(params, xs.shape[1:-1])._replace(memory=jnp.asarray(memory), valid=jnp.asarray(valid))
        return layer.apply(params, carry, jnp.asarray(xs))[1], layer.attention(params, carry, jnp.asarray(xs))

    expected = run(xs, memory, valid)
    two = run(xs.reshape(5, 2, 2, 3), memory.reshape(2, 2, 6, 2), valid.reshape(2, 2, 6))
    none = run(xs[:, 1], memory[1], valid[1])
    for whole, with_two, alone in zip(expected, two, none, strict=True):
        np.testing.assert_allclose(with_two.reshape(whole.shape), whole, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(alone, whole[:, 1], rtol=1e-5, atol=1e-6)
