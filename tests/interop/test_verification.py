"""What the libraries' own modules compute decides: an import that computes something else is refused."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from jaxrnn import interop

RNG = np.random.default_rng(0)
XS = RNG.normal(size=(5, 2, 3)).astype(np.float32)


def applied(net, params):
    return np.asarray(net.apply(params, net.initial(params, XS.shape[1:2]), jnp.asarray(XS))[1])


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("both", [False, True])
def test_a_stateful_keras_model_is_run_and_keeps_its_states(both, x32):
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    from keras import layers

    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    inputs = keras.Input(batch_shape=(2, 5, 3))
    layer = layers.LSTM(4, stateful=True, return_sequences=True)
    hs = (layers.Bidirectional(layer) if both else layer)(inputs)
    model, double = keras.Model(inputs, hs), keras.Model(inputs, 2 * hs)
    first = np.asarray(model(XS.swapaxes(0, 1)))
    kept = [np.asarray(v) for v in model.variables]
    with pytest.raises(ValueError, match=r"computes something other|unexpected"):
        interop.from_keras(double)
    for source in (model, model.layers[1:], model.layers[1]):
        np.testing.assert_allclose(applied(*interop.from_keras(source)).swapaxes(0, 1), first, rtol=1e-4, atol=1e-6)
    for before, after in zip(kept, model.variables, strict=True):
        np.testing.assert_array_equal(before, after)
    assert any(np.abs(v).max() > 0 for v, w in zip(kept, model.variables, strict=True) if not w.trainable)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_keras_layers_of_a_users_own_are_run(x32):
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    from keras import layers

    class GRU(layers.GRU):
        def call(self, *args, **options):
            return 2 * super().call(*args, **options)

    own = GRU(4, return_sequences=True)
    own.build((None, 5, 3))
    for source in (own, [own]):
        with pytest.raises(ValueError, match="computes something other"):
            interop.from_keras(source)

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.rnn = layers.GRU(4, return_sequences=True)

        def call(self, xs):
            return 3 * self.rnn(xs)

    model = Model()
    model(XS.swapaxes(0, 1))
    with pytest.raises(ValueError, match="computes something other"):
        interop.from_keras(model)
    a, b = keras.Input((None, 3)), keras.Input((None, 3))
    two = keras.Model([a, b], layers.GRU(4, return_sequences=True)(layers.Concatenate()([a, b])))
    with pytest.raises(ValueError, match=r"unexpected Concatenate|has 2 inputs"):
        interop.from_keras(two)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_torch_modules_of_a_users_own_are_run(x32):
    import torch
    from torch import nn

    class GRU(nn.GRU):
        def forward(self, xs):
            ys, h = super().forward(xs)
            return 2 * ys, h

    for source in (GRU(3, 4), [GRU(3, 4), nn.Linear(4, 2)]):
        with pytest.raises(ValueError, match="computes something other"):
            interop.from_torch(source)
    cell, head = nn.LSTMCell(3, 4), nn.Linear(4, 2)
    ys, state = [], None
    for x in torch.as_tensor(XS):
        state = cell(x, state)
        ys.append(head(state[0]).detach().numpy())
    np.testing.assert_allclose(applied(*interop.from_torch([cell, head])), ys, rtol=1e-5, atol=1e-6)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_reparametrized_torch_modules_are_refused_by_name(x32):
    from torch import nn

    old = nn.utils.weight_norm(nn.LSTM(3, 4), "weight_hh_l0")
    new = nn.utils.parametrizations.weight_norm(nn.LSTM(3, 4), "weight_hh_l0")
    head = nn.utils.weight_norm(nn.Linear(4, 2))
    for source, name in (
        (old, "weight_hh_l0_g"), (old.state_dict(), "weight_hh_l0_g"), (new, "weight_hh_l0.original0"),
        (new.state_dict(), "weight_hh_l0.original0"), ([nn.LSTM(3, 4), head], "weight_g"),
        (nn.Sequential(nn.LSTM(3, 4), head), "1.weight_g"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} is a part of a reparametrized weight"):
            interop.from_torch(source)


@pytest.mark.filterwarnings("ignore:carry_init is provided")
@pytest.mark.slow
def test_flax_modules_of_a_users_own_are_run(x32):
    """A cell that starts elsewhere than at zero, and one that only has the name of Flax's."""
    cell = nnx.GRUCell(3, 4, carry_init=nnx.initializers.ones, rngs=nnx.Rngs(0))

    class Double(nnx.GRUCell):
        def __call__(self, carry, inputs):
            carry, ys = super().__call__(carry, inputs)
            return carry, 2 * ys

    double = Double(3, 4, rngs=nnx.Rngs(0))
    for source in (cell, nnx.RNN(cell), [nnx.RNN(double)]):
        with pytest.raises(ValueError, match=r"from_nnx: .* computes something other"):
            interop.from_nnx(source)

    class GRUCell(linen.GRUCell):
        def __call__(self, carry, inputs):
            carry, ys = super().__call__(carry, inputs)
            return carry, 2 * ys

    for cell in (GRUCell(4), linen.GRUCell(4, carry_init=linen.initializers.ones)):
        module = linen.RNN(cell)
        variables = module.init(jax.random.key(0), XS)
        for source, given in ((module, variables), ([module], [variables])):
            with pytest.raises(ValueError, match=r"from_linen: .* computes something other"):
                interop.from_linen(source, given)


@pytest.mark.oracle
def test_equinox_cells_of_a_users_own_are_run(x32):
    import equinox as eqx

    class GRUCell(eqx.nn.GRUCell):
        def __call__(self, xs, state):
            return 0.5 * super().__call__(xs, state)

    cell = GRUCell(3, 4, key=jax.random.key(0))
    for source in (cell, [cell, eqx.nn.Linear(4, 2, key=jax.random.key(1))]):
        with pytest.raises(ValueError, match=r"from_equinox: .* computes something other"):
            interop.from_equinox(source)
