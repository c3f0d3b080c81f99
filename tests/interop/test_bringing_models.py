"""Whole modules as their users write them come in; what has no counterpart is refused by its name."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import jaxrnn
from jaxrnn import interop, nets
from jaxrnn.cells import elman, gru, jordan, lstm, mgu
from jaxrnn.types import Cell

RNG = np.random.default_rng(0)
XS = RNG.normal(size=(7, 3, 5)).astype(np.float32)
SYMBOLS = RNG.integers(0, 11, (7, 3, 1))


def applied(net, params, xs=XS):
    return np.asarray(jax.jit(net.apply)(params, net.initial(params, xs.shape[1:2]), jnp.asarray(xs))[1])


def torch_ys(module, xs):
    import torch

    with torch.no_grad():
        ys = module(torch.as_tensor(np.ascontiguousarray(xs)))
    return (ys[0] if isinstance(ys, tuple) else ys).numpy()


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.oracle
def test_a_bidirectional_lstm_with_a_head_and_back(x32):
    import torch
    from torch import nn

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(11, 5)
            self.lstm = nn.LSTM(5, 4, num_layers=2, bidirectional=True, batch_first=True, dropout=0.3)
            self.head = nn.Linear(8, 3)

        def forward(self, xs):
            return self.head(self.lstm(self.embedding(xs))[0])

    module = Tagger()
    net, params = interop.from_torch(module)
    assert module.training
    expected = torch_ys(module.eval(), SYMBOLS[..., 0].T).swapaxes(0, 1)
    close(applied(net, params, SYMBOLS), expected)
    drawn = net.apply(
        params, net.initial(params, (3,)), jnp.asarray(SYMBOLS), key=jax.random.split(jax.random.key(0), 3)
    )
    assert not np.allclose(drawn[1], expected, atol=1e-3)  # its dropout is on in training
    back = interop.to_torch(net, params)
    close(torch_ys(back, SYMBOLS[..., 0]), expected)
    assert back.layers[0].num_layers == 2
    assert isinstance(back.readout, torch.nn.Linear)
    prefixed = {f"encoder.{name}": value for name, value in module.state_dict().items()}
    close(applied(*interop.from_torch(prefixed), SYMBOLS), expected)


@pytest.mark.oracle
def test_a_classifier_that_reads_the_last_step_or_both_ends(x32):
    from torch import nn

    class Classifier(nn.Module):
        def __init__(self, ends):
            super().__init__()
            self.rnn = nn.GRU(5, 4, bidirectional=ends)
            self.head = nn.Linear(8 if ends else 4, 2)
            self.ends = ends

        def forward(self, xs):
            ys, h = self.rnn(xs)
            import torch

            return self.head(torch.cat([h[-2], h[-1]], -1) if self.ends else ys[-1])

    for ends in (False, True):
        module = Classifier(ends)
        net, params = interop.from_torch(module)
        ys = applied(net, params)
        assert ys.shape == (1, 3, 2)
        close(ys[0], torch_ys(module, XS))
        back = interop.to_torch(net, params)
        close(torch_ys(back, XS), ys)
        lengths = np.array([7, 4, 2])
        mask = jnp.arange(7)[:, None] < lengths
        masked = net.apply(params, net.initial(params, (3,)), jnp.asarray(XS), mask=mask)[1]
        import torch

        close(back(torch.as_tensor(XS), torch.as_tensor(lengths)).detach().numpy(), masked)


@pytest.mark.oracle
def test_cells_of_torch_layers_without_biases_relu_and_bfloat16(x32):
    import torch
    from torch import nn

    for module in (nn.LSTM(5, 4, bias=False), nn.GRU(5, 4, 2, bias=False), nn.RNN(5, 4, nonlinearity="relu")):
        close(applied(*interop.from_torch(module)), torch_ys(module, XS))
        net, params = interop.from_torch(module)
        close(torch_ys(interop.to_torch(net, params), XS), torch_ys(module, XS))
    assert interop.to_torch(net, params).layers[0].nonlinearity == "relu"
    close(applied(*interop.from_torch(module.state_dict(), activation="relu")), torch_ys(module, XS))
    for cell in (nn.LSTMCell(5, 4), nn.GRUCell(5, 4), nn.RNNCell(5, 4)):
        ys = applied(*interop.from_torch(cell), XS[:1])
        close(ys[0], torch_ys(cell, XS[0]))
    half = nn.LSTM(5, 4).to(torch.bfloat16)
    net, params = interop.from_torch(half)
    assert params[0].w_x.dtype == jnp.float32
    close(applied(net, params), torch_ys(half.float(), XS))


@pytest.mark.oracle
def test_what_torch_has_and_we_do_not(x32):
    from torch import nn

    for module, told in (
        (nn.LSTM(5, 4, proj_size=2), "proj_size"),
        (nn.LSTM(5, 4, proj_size=2).state_dict(), "proj_size"),
        (nn.Sequential(nn.Conv1d(3, 3, 1), nn.LSTM(5, 4)), "Conv1d"),
        ([nn.LSTM(5, 4), nn.Linear(4, 3), nn.Linear(3, 2)], "Linear"),
        (nn.Linear(3, 2), "unexpected nn.Linear"),
        ({"x": np.zeros(3)}, "has no weight_ih"),
        ("model.pt", "got a str"),
    ):
        with pytest.raises(ValueError, match=told):
            interop.from_torch(module)

    with pytest.raises(ValueError, match="a module has its own activation"):
        interop.from_torch(nn.RNN(5, 4), activation="relu")

    class Doubled(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(5, 4)

        def forward(self, xs):
            return 2 * self.rnn(xs)[0]

    with pytest.raises(ValueError, match="Doubled computes something other than its layers"):
        interop.from_torch(Doubled())


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_keras_models(x32):
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    from keras import layers

    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    classifier = keras.Sequential(
        [keras.Input((None,), dtype="int32"), layers.Embedding(11, 5),
         layers.Bidirectional(layers.LSTM(4, return_sequences=True)), layers.Dropout(0.2),
         layers.Bidirectional(layers.GRU(4)), layers.Dense(3)]
    )  # fmt: skip
    net, params = interop.from_keras(classifier)
    close(applied(net, params, SYMBOLS)[0], np.asarray(classifier(SYMBOLS[..., 0].T)))
    back = interop.to_keras(net, params)
    close(np.asarray(back(SYMBOLS[..., 0].T)), np.asarray(classifier(SYMBOLS[..., 0].T)))
    for merge in ("sum", "mul", "ave"):
        model = keras.Sequential(
            [keras.Input((None, 5)), layers.Bidirectional(layers.SimpleRNN(4, "relu", return_sequences=True), merge)]
        )
        net, params = interop.from_keras(model)
        close(applied(net, params), np.asarray(model(XS.swapaxes(0, 1))).swapaxes(0, 1))
        assert interop.to_keras(net, params).layers[0].merge_mode == merge
    dropped = keras.Sequential([keras.Input((7, 5)), layers.LSTM(4), layers.Dropout(0.5), layers.Dense(1)])
    net, params = interop.from_keras(dropped)
    close(applied(net, params)[0], np.asarray(dropped(XS.swapaxes(0, 1))))
    key = jax.random.split(jax.random.key(0), 3)
    drawn = net.apply(params, net.initial(params, (3,)), jnp.asarray(XS), key=key)[1]
    assert not np.allclose(drawn[0], applied(net, params)[0], atol=1e-3)
    last = keras.Sequential([keras.Input((None, 5)), layers.LSTM(4, use_bias=False), layers.Dense(1, use_bias=False)])
    close(applied(*interop.from_keras(last))[0], np.asarray(last(XS.swapaxes(0, 1))))
    for made, told in (
        ([layers.LSTM(4, activation="relu"), layers.Dense(1)], "activations relu and sigmoid"),
        ([layers.LSTM(4, go_backwards=True)], "go_backwards"),
        ([layers.LSTM(4), layers.Dense(3, activation="softmax")], "softmax"),
        ([layers.Conv1D(3, 2), layers.LSTM(4)], "Conv1D"),
        ([layers.Bidirectional(layers.LSTM(4), merge_mode=None)], "merge_mode=None"),
    ):
        model = keras.Sequential([keras.Input((None, 5)), *made]) if "merge" not in told else made
        if "merge" in told:
            made[0].build((1, 2, 5))
        with pytest.raises(ValueError, match=told):
            interop.from_keras(model)


@pytest.mark.parametrize("read", [interop.from_keras, interop.from_nnx, interop.from_haiku, interop.from_equinox])
def test_a_path_is_no_model(read):
    with pytest.raises(ValueError, match=r"str"):
        read("model.pt")


@pytest.mark.parametrize("make", [nnx.LSTMCell, nnx.OptimizedLSTMCell, nnx.GRUCell, nnx.SimpleCell])
@pytest.mark.sample(1, 3)
def test_every_cell_of_nnx(make, x32):
    module = nnx.Sequential(nnx.RNN(make(5, 4, rngs=nnx.Rngs(0))), nnx.Linear(4, 2, rngs=nnx.Rngs(1)))
    net, params = interop.from_nnx(module)
    close(applied(net, params), np.swapaxes(module(np.swapaxes(XS, 0, 1)), 0, 1))
    close(np.swapaxes(interop.to_nnx(net, params)(np.swapaxes(XS, 0, 1)), 0, 1), applied(net, params))


@pytest.mark.parametrize(
    "make", [linen.LSTMCell, linen.OptimizedLSTMCell, linen.GRUCell, linen.MGUCell, linen.SimpleCell]
)
@pytest.mark.sample(1, 2)
def test_every_cell_of_linen(make, x32):
    both = linen.Bidirectional(linen.RNN(make(4)), linen.RNN(make(4)))
    module = linen.Sequential([linen.RNN(make(4)), both, linen.Dense(2)])
    batch_major = np.swapaxes(XS, 0, 1)
    variables = module.init(jax.random.key(0), batch_major)
    net, params = interop.from_linen(module, variables)
    close(applied(net, params), np.swapaxes(module.apply(variables, batch_major), 0, 1))


def test_what_flax_has_and_we_do_not(x32):
    rngs = nnx.Rngs(0)
    for module, told in (
        (nnx.RNN(nnx.SimpleCell(5, 4, residual=True, rngs=rngs)), "residual"),
        (nnx.RNN(nnx.LSTMCell(5, 4, activation_fn=nnx.relu, rngs=rngs)), "activation"),
        (nnx.Sequential(nnx.Conv(5, 4, 2, rngs=rngs)), "Conv"),
        (nnx.Linear(5, 4, rngs=rngs), "unexpected Linear"),
        (nnx.RNN(nnx.GRUCell(5, 4, rngs=rngs), reverse=True), "reverse"),
    ):
        with pytest.raises(ValueError, match=told):
            interop.from_nnx(module)
    for module, told in (
        (linen.RNN(linen.MGUCell(4, reset_gate=False)), "reset_gate"),
        (linen.RNN(linen.ConvLSTMCell(4, (2,))), "ConvLSTMCell"),
        (linen.Dense(4), "unexpected Dense"),
    ):
        xs = np.zeros((3, 7, 5, 2) if "Conv" in told else (3, 7, 5), np.float32)
        with pytest.raises(ValueError, match=told):
            interop.from_linen(module, module.init(jax.random.key(0), xs))


def test_what_two_directions_must_share_and_activations_that_only_look_alike(x32):
    rngs = nnx.Rngs(0)

    def layer(activation):
        return nnx.RNN(nnx.SimpleCell(5, 4, activation_fn=activation, rngs=rngs))

    with pytest.raises(ValueError, match="both directions need the same activation, found tanh and relu"):
        interop.from_nnx(nnx.Bidirectional(layer(nnx.tanh), layer(nnx.relu)))
    with pytest.raises(ValueError, match="the same kind of cell and the same size"):
        interop.from_nnx(nnx.Bidirectional(layer(nnx.tanh), nnx.RNN(nnx.GRUCell(5, 4, rngs=rngs))))
    for function in (jax.nn.relu6, jax.nn.hard_tanh):
        with pytest.raises(ValueError, match="activation"):
            interop.from_nnx(layer(function))


def test_weak_weights_tell_activations_apart(x32):
    for activation in ("linear", "tanh", "relu"):
        net = jaxrnn.rnn(elman.cell(4, activation), 1)
        params = jax.tree.map(lambda a: 0.02 * a, net.init(jax.random.key(0), 5))
        module = interop.to_nnx(net, params)
        close(np.swapaxes(module(50 * np.swapaxes(XS, 0, 1)), 0, 1), applied(net, params, 50 * XS))


@pytest.mark.slow
def test_dropout_first_nets_in_nets_and_symbols_in_float64():
    cell = lstm.cell(4)
    for net, xs in (
        (nets.serial(nets.dropout(0.2), nets.recurrent(cell), nets.affine(2)), XS),
        (nets.serial(nets.serial(nets.recurrent(cell), nets.recurrent(cell)), nets.affine(2)), XS),
        (nets.symbol_rnn(cell, 3, vocabulary_size=11), SYMBOLS),
        (nets.symbol_rnn(cell, 3, vocabulary_size=11, embedding=5), SYMBOLS),
    ):
        params = jax.tree.map(lambda a: a.astype("float64"), net.init(jax.random.key(0), xs.shape[-1]))
        given = np.swapaxes(xs[..., 0] if xs is SYMBOLS else xs.astype("float64"), 0, 1)
        expected = applied(net, params, xs if xs is SYMBOLS else xs.astype("float64"))
        found = interop.to_nnx(net, params)(given)
        assert found.dtype == np.float64
        np.testing.assert_allclose(np.swapaxes(found, 0, 1), expected, rtol=0, atol=1e-12)


def leaky():
    inner = elman.cell(4)

    def step(params, carry, u):
        h = 0.5 * carry.h + 0.5 * jnp.tanh(u + carry.h @ params.w_h)
        return elman.ElmanCarry(h), h

    return inner._replace(step=step)


@pytest.mark.parametrize(
    ("net", "told"),
    [
        (jaxrnn.rnn(jordan.cell(4, 2), 1, readout=False), "no counterpart of Jordan"),
        (jaxrnn.rnn(lstm.cell(4), 1, learned_carry=True), "no learned initial carry"),
        (jaxrnn.rnn(leaky(), 1), "plain recurrent layers"),
        (jaxrnn.rnn(lstm.cell(4), 1, zoneout=0.2), "zoneout"),
        (jaxrnn.rnn(lstm.cell(4), 1, layers=2, residual=True), "residual"),
        (jaxrnn.rnn(gru.cell(4, reset="before"), 1), "no GRU with reset=before"),
    ],
)  # fmt: skip
@pytest.mark.sample(2, 2)
def test_nets_without_a_counterpart_are_refused(net, told, x32):
    params = net.init(jax.random.key(0), 5)
    assert isinstance(leaky(), Cell)
    with pytest.raises(ValueError, match=told):
        interop.to_nnx(net, params)
    with pytest.raises(ValueError, match=told):
        interop.to_linen(net, params)


def test_mgu_goes_to_linen_and_to_nothing_else(x32):
    net = jaxrnn.rnn(mgu.cell(4), 1)
    params = net.init(jax.random.key(0), 5)
    interop.to_linen(net, params)
    with pytest.raises(ValueError, match="nnx has no MGU"):
        interop.to_nnx(net, params)


@pytest.mark.oracle
def test_haiku_as_it_names_its_own_cores(x32):
    hk = pytest.importorskip("haiku")

    def function(xs):
        for _ in range(2):
            core = hk.LSTM(4)
            xs, _ = hk.dynamic_unroll(core, xs, core.initial_state(xs.shape[1]))
        return hk.Linear(2)(xs)

    transformed = hk.transform(function)
    params = transformed.init(jax.random.key(0), XS)
    close(applied(*interop.from_haiku(params)), transformed.apply(params, None, XS))

    class Inside(hk.Module):
        def __call__(self, xs):
            core = hk.LSTM(8)
            return hk.Linear(4)(hk.dynamic_unroll(core, xs, core.initial_state(xs.shape[1]))[0])

    inside = hk.transform(lambda xs: Inside(name="mine")(xs))
    own = inside.init(jax.random.key(0), XS)
    close(applied(*interop.from_haiku(own, ["mine/lstm"])), inside.apply(own, None, XS))
    with pytest.raises(ValueError, match=r"layers=\[\('lstm',\)\] must contain each core once: lstm, lstm_1"):
        interop.from_haiku(params, ["lstm"])
    net = jaxrnn.rnn(gru.cell(4), 1)
    with pytest.raises(ValueError, match="expected reset=before, found reset=after"):
        interop.to_haiku(net, net.init(jax.random.key(0), 5))


def test_a_carry_of_another_net_is_refused(x32):
    net = nets.rnn(lstm.cell(4), 1, layers=2)
    params = net.init(jax.random.key(0), 5)
    h = np.zeros((1, 3, 4), np.float32)
    with pytest.raises(ValueError, match="the states do not fit this net"):
        interop.carry_from_torch(net, params, (h, h))
    with pytest.raises(ValueError, match="expected 4 states for this net, found 2"):
        interop.carry_from_keras(net, params, [h[0], h[0]])
