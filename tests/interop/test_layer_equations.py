"""Weights of every foreign layer, read and written: NumPy computes what the layer's documentation says, on its arrays.

Flax's layers run themselves in the other files; PyTorch, Keras, Haiku and Equinox need not be installed here.
"""

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrnn import interop, nets
from jaxrnn.cells import elman, gru, lstm
from jaxrnn.interop import _stack, equinox, haiku, keras, pytorch
from jaxrnn.interop._library import exported, part_of, specs_of

T, B, D, H = 6, 3, 2, 4
RNG = np.random.default_rng(0)
XS = RNG.normal(size=(T, B, D))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def relu(a):
    return np.maximum(a, 0)


def run(step, arrays, states, xs=XS):
    """Outputs of a step (arrays, x, h, ...) -> (h, ...) from states of zero."""
    state, ys = [np.zeros((B, H))] * states, []
    for x in xs:
        state = step(arrays, x, *state)
        ys.append(state[0])
    return np.stack(ys)


def torch_parts(a, x, h, count):
    """Of torch.nn: rows of weight_ih x + bias_ih and of weight_hh h + bias_hh, gate by gate."""
    inputs = x @ a["weight_ih_l0"].T + a["bias_ih_l0"]
    hidden = h @ a["weight_hh_l0"].T + a["bias_hh_l0"]
    return *np.split(inputs, count, -1), *np.split(hidden, count, -1)


def torch_rnn(activation, a, x, h):
    return (activation(sum(torch_parts(a, x, h, 1))),)


def torch_lstm(a, x, h, c):
    i_x, f_x, g_x, o_x, i_h, f_h, g_h, o_h = torch_parts(a, x, h, 4)
    c = sigmoid(f_x + f_h) * c + sigmoid(i_x + i_h) * np.tanh(g_x + g_h)
    return sigmoid(o_x + o_h) * np.tanh(c), c


def torch_gru(a, x, h):
    r_x, z_x, n_x, r_h, z_h, n_h = torch_parts(a, x, h, 3)
    z = sigmoid(z_x + z_h)
    return ((1 - z) * np.tanh(n_x + sigmoid(r_x + r_h) * n_h) + z * h,)


def keras_rnn(activation, a, x, h):
    return (activation(x @ a["kernel"] + h @ a["recurrent"] + a["bias"]),)


def keras_lstm(a, x, h, c):
    i, f, g, o = np.split(x @ a["kernel"] + h @ a["recurrent"] + a["bias"], 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def keras_gru_after(a, x, h):
    z_x, r_x, n_x = np.split(x @ a["kernel"] + a["bias"][0], 3, -1)
    z_h, r_h, n_h = np.split(h @ a["recurrent"] + a["bias"][1], 3, -1)
    z = sigmoid(z_x + z_h)
    return (z * h + (1 - z) * np.tanh(n_x + sigmoid(r_x + r_h) * n_h),)


def keras_gru_before(a, x, h):
    z_x, r_x, n_x = np.split(x @ a["kernel"] + a["bias"], 3, -1)
    w_z, w_r, w_n = np.split(a["recurrent"], 3, -1)
    z, r = sigmoid(z_x + h @ w_z), sigmoid(r_x + h @ w_r)
    return (z * h + (1 - z) * np.tanh(n_x + (r * h) @ w_n),)


def haiku_rnn(a, x, h):
    first, second = a["core/linear"], a["core/linear_1"]
    return (relu(x @ first["w"] + first["b"] + h @ second["w"] + second["b"]),)


def haiku_lstm(a, x, h, c):
    linear = a["core/linear"]
    i, g, f, o = np.split(np.concatenate([x, h], -1) @ linear["w"] + linear["b"], 4, -1)
    c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def haiku_gru(a, x, h):
    w_i, w_h, b = (a["core"][name] for name in ("w_i", "w_h", "b"))
    z_x, r_x, a_x = np.split(x @ w_i + b, 3, -1)
    u_z, u_r, u_a = np.split(w_h, 3, -1)
    z, r = sigmoid(z_x + h @ u_z), sigmoid(r_x + h @ u_r)
    return ((1 - z) * h + z * np.tanh(a_x + (r * h) @ u_a),)


def equinox_lstm(a, x, h, c):
    i, f, g, o = jnp.split(x @ a["weight_ih"].T + h @ a["weight_hh"].T + a["bias"], 4, -1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def equinox_gru(a, x, h):
    r_x, z_x, n_x = jnp.split(x @ a["weight_ih"].T + a["bias"], 3, -1)
    r_h, z_h, n_h = jnp.split(h @ a["weight_hh"].T, 3, -1)
    n = jnp.tanh(n_x + jax.nn.sigmoid(r_x + r_h) * (n_h + a["bias_n"]))
    return (n + jax.nn.sigmoid(z_x + z_h) * (h - n),)


def from_torch(arrays, activation="tanh"):
    return interop.from_torch(arrays, activation)


def to_torch(net, params):
    state = pytorch.settings_of(exported(pytorch.LIBRARY, net, params))[1]
    return {name.removeprefix("layers.0."): a for name, a in state.items()}


def from_keras(arrays, activation="tanh"):
    kind = {1: "SimpleRNN", 4: "LSTM", 3: "GRU"}[arrays["recurrent"].shape[1] // H]
    before = kind == "GRU" and arrays["bias"].ndim == 1
    layer = SimpleNamespace(get_weights=lambda: [arrays[name] for name in ("kernel", "recurrent", "bias")])
    named = keras.arrays_of_weights(layer)
    part = part_of(keras.LIBRARY, "GRU with reset_after=False" if before else kind, named, activation)
    return _stack.net_of(_stack.Stack(tuple(part.value)))


def to_keras(net, params):
    (spec,) = specs_of(keras.LIBRARY, exported(keras.LIBRARY, net, params).layers[0])
    return dict(zip(("kernel", "recurrent", "bias"), keras.weights_of_arrays(spec.arrays), strict=True))


def from_haiku(arrays):
    return interop.from_haiku(arrays)


def to_haiku(net, params):
    arrays = haiku.arrays_of_stack(exported(haiku.LIBRARY, net, params))
    core = min(arrays).partition("/")[0]
    return {name.replace(core, "core"): parts for name, parts in arrays.items()}


def from_equinox(kind, arrays):
    """As `from_equinox` of a cell with the fields and the equations of Equinox's."""
    fields = jax.tree.map(jnp.asarray, arrays)

    class Cell(SimpleNamespace):
        def __call__(self, x, state):
            if kind == "LSTMCell":
                return equinox_lstm(fields, x, *state)
            return equinox_gru(fields, x, state)[0]

    Cell.__name__ = kind
    return interop.from_equinox(Cell(**fields))


def to_equinox(net, params):
    return specs_of(equinox.LIBRARY, exported(equinox.LIBRARY, net, params).layers[0])[0].arrays


def torch_shapes(gates):
    weights = {"weight_ih_l0": (gates * H, D), "weight_hh_l0": (gates * H, H)}
    return weights | {"bias_ih_l0": (gates * H,), "bias_hh_l0": (gates * H,)}


def keras_shapes(gates, rows=()):
    return {"kernel": (D, gates * H), "recurrent": (H, gates * H), "bias": (*rows, gates * H)}


def equinox_shapes(gates):
    return {"weight_ih": (gates * H, D), "weight_hh": (gates * H, H), "bias": (gates * H,)}


LINEAR = {"w": (D, H), "b": (H,)}
RELU, BEFORE = partial(elman.cell, H, "relu"), partial(gru.cell, H, "before")
ELMAN, LSTM, GRU = partial(elman.cell, H), partial(lstm.cell, H), partial(gru.cell, H)
LAYERS = {  # the equations, states, shapes of their arrays, our cell, how it comes in, how it goes out
    "torch-RNN-tanh": (partial(torch_rnn, np.tanh), 1, torch_shapes(1), ELMAN, from_torch, to_torch),
    "torch-RNN-relu": (
        partial(torch_rnn, relu), 1, torch_shapes(1), RELU, partial(from_torch, activation="relu"), to_torch,
    ),
    "torch-LSTM": (torch_lstm, 2, torch_shapes(4), LSTM, from_torch, to_torch),
    "torch-GRU": (torch_gru, 1, torch_shapes(3), GRU, from_torch, to_torch),
    "keras-SimpleRNN": (partial(keras_rnn, np.tanh), 1, keras_shapes(1), ELMAN, from_keras, to_keras),
    "keras-SimpleRNN-relu": (
        partial(keras_rnn, relu), 1, keras_shapes(1), RELU, partial(from_keras, activation="relu"), to_keras,
    ),
    "keras-LSTM": (keras_lstm, 2, keras_shapes(4), LSTM, from_keras, to_keras),
    "keras-GRU": (keras_gru_after, 1, keras_shapes(3, (2,)), GRU, from_keras, to_keras),
    "keras-GRU-before": (keras_gru_before, 1, keras_shapes(3), BEFORE, from_keras, to_keras),
    "haiku-VanillaRNN": (
        haiku_rnn, 1, {"core/linear": LINEAR, "core/linear_1": {"w": (H, H), "b": (H,)}}, RELU, from_haiku, to_haiku,
    ),
    "haiku-LSTM": (
        haiku_lstm, 2, {"core/linear": {"w": (D + H, 4 * H), "b": (4 * H,)}}, LSTM, from_haiku, to_haiku,
    ),
    "haiku-GRU": (
        haiku_gru, 1, {"core": {"w_i": (D, 3 * H), "w_h": (H, 3 * H), "b": (3 * H,)}}, BEFORE, from_haiku, to_haiku,
    ),
    "equinox-LSTMCell": (
        equinox_lstm, 2, equinox_shapes(4), LSTM, partial(from_equinox, "LSTMCell"), to_equinox,
    ),
    "equinox-GRUCell": (
        equinox_gru, 1, equinox_shapes(3) | {"bias_n": (H,)}, GRU, partial(from_equinox, "GRUCell"), to_equinox,
    ),
}  # fmt: skip


def applied(net, params):
    return np.asarray(net.apply(params, net.initial(params, (B,)), jnp.asarray(XS))[1])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.sample(2, 3)
def test_a_layer_that_comes_in_computes_its_own_equations(name):
    comes_in(name)


@pytest.mark.parametrize("name", ["torch-RNN-tanh", "haiku-GRU"])
def test_turned_matrices_and_mirrored_gates_are_noticed(name):
    """In the plain tier every day: PyTorch's matrices are turned, Haiku's z is 1 - z here."""
    comes_in(name)


def comes_in(name):
    step, states, shapes, _, read, _ = LAYERS[name]
    arrays = jax.tree.map(lambda shape: RNG.normal(size=shape), shapes, is_leaf=lambda node: isinstance(node, tuple))
    np.testing.assert_allclose(applied(*read(arrays)), run(step, arrays, states), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.sample(2, 3)
def test_a_layer_that_goes_out_computes_what_the_net_does(name):
    step, states, shapes, make, read, write = LAYERS[name]
    net = nets.serial(nets.recurrent(make()))
    params = jax.tree.map(lambda a: jnp.asarray(RNG.normal(size=a.shape)), net.init(jax.random.key(0), D))
    arrays = jax.tree.map(np.asarray, write(net, params))
    assert jax.tree.map(np.shape, arrays) == shapes
    np.testing.assert_allclose(run(step, arrays, states), applied(net, params), rtol=1e-10, atol=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), read(arrays)[1], params)
