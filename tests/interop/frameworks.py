"""PyTorch and Keras layers on fixed inputs, in float64: {name: array} of weights, inputs, outputs and gradients.

The loss is sum(cos(place) * y) over all outputs plus the sum of squares of the last states, so that every output and
every state has a gradient of its own.
"""

import numpy as np

T, B, D, H = 6, 3, 2, 4
LENGTHS = np.array([6, 4, 1])
KINDS = ("elman", "lstm", "gru")
TORCH_CASES = [
    f"torch-{kind}-{form}" for kind in KINDS for form in ("plain", "lengths", "stacked", "bidirectional", "both")
]
KERAS_CASES = [f"keras-{kind}-{form}" for kind in KINDS for form in ("plain", "mask", "reverse", "bidirectional")]
KERAS_CASES += ["keras-gru_before-plain"]
GOLDEN_CASES = [*TORCH_CASES[0::5], *TORCH_CASES[4::5], *KERAS_CASES[0:12:4], "keras-gru_before-plain"]


def cosines(shape):
    return np.cos(np.arange(np.prod(shape))).reshape(shape)


def inputs():
    rng = np.random.default_rng(1)
    return 1 + rng.normal(size=(T, B, D)), rng


def run(case):
    framework, kind, form = case.split("-")
    return (run_torch if framework == "torch" else run_keras)(kind, form)


def run_torch(kind, form):
    import torch

    torch.manual_seed(0)
    layers = 2 if form in ("stacked", "both") else 1
    both_ways = form in ("bidirectional", "both")
    module = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind]
    layer = module(D, H, num_layers=layers, bidirectional=both_ways, dtype=torch.float64)
    values, rng = inputs()
    xs = torch.tensor(values, requires_grad=True)
    states = layers * (2 if both_ways else 1)
    carry = [torch.tensor(rng.normal(size=(states, B, H)), requires_grad=True) for _ in range(1 + (kind == "lstm"))]
    given = tuple(carry) if kind == "lstm" else carry[0]
    if form in ("lengths", "both"):
        packed = torch.nn.utils.rnn.pack_padded_sequence(xs, torch.tensor(LENGTHS))
        ys, last = layer(packed, given)
        ys, _ = torch.nn.utils.rnn.pad_packed_sequence(ys, total_length=T)
    else:
        ys, last = layer(xs, given)
    last = list(last) if kind == "lstm" else [last]
    loss = (torch.tensor(cosines(ys.shape)) * ys).sum() + sum((state**2).sum() for state in last)
    loss.backward()
    return {
        **{f"weight/{name}": p.detach().numpy() for name, p in layer.named_parameters()},
        **{f"grad/{name}": p.grad.numpy() for name, p in layer.named_parameters()},
        **{f"carry/{i}": c.detach().numpy() for i, c in enumerate(carry)},
        **{f"carry_grad/{i}": c.grad.numpy() for i, c in enumerate(carry)},
        **{f"last/{i}": c.detach().numpy() for i, c in enumerate(last)},
        "ys": ys.detach().numpy(),
        "xs_grad": xs.grad.numpy(),
    }


def run_keras(kind, form):
    import os

    os.environ["KERAS_BACKEND"] = "jax"
    import jax
    import jax.numpy as jnp
    import keras

    keras.backend.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # made of the first of the two before, if other tests asked for it
    options = {"return_sequences": True, "return_state": True}

    # Keras's own tanh casts to float32 on the JAX backend, and a wrapper copies a layer by name.
    @keras.saving.register_keras_serializable("frameworks")
    def tanh_f64(x):
        return jnp.tanh(x)

    @keras.saving.register_keras_serializable("frameworks")
    def sigmoid_f64(x):
        return jax.nn.sigmoid(x)

    tanh = {"activation": tanh_f64}
    gates = {**tanh, "recurrent_activation": sigmoid_f64, "use_cudnn": False}
    layer = {
        "elman": lambda **o: keras.layers.SimpleRNN(H, **tanh, **o),
        "lstm": lambda **o: keras.layers.LSTM(H, **gates, **o),
        "gru": lambda **o: keras.layers.GRU(H, **gates, **o),
        "gru_before": lambda **o: keras.layers.GRU(H, reset_after=False, **gates, **o),
    }[kind](**options, go_backwards=form == "reverse")
    if form == "bidirectional":
        layer = keras.layers.Bidirectional(layer)
    values, rng = inputs()
    layer.build((B, T, D))
    weights = [rng.normal(size=w.shape) for w in layer.get_weights()]
    count = (2 if kind == "lstm" else 1) * (2 if form == "bidirectional" else 1)
    states = [rng.normal(size=(B, H)) for _ in range(count)]  # h first, then c
    mask = np.arange(T)[:, None] < LENGTHS if form == "mask" else None
    if mask is not None:
        mask = np.array(mask)
        mask[2] = [True, False, False]  # and a gap in mid-sequence

    fixed = [variable.value for variable in layer.non_trainable_variables]

    def loss(weights, xs, states):
        given = {} if mask is None else {"mask": jnp.asarray(mask.T)}
        outputs, _ = layer.stateless_call(
            weights, fixed, jnp.swapaxes(xs, 0, 1), initial_state=list(states), training=False, **given
        )
        ys, *last = outputs
        ys = jnp.swapaxes(ys, 0, 1)
        ys = ys[::-1] if form == "reverse" else ys
        if mask is not None:  # Keras repeats the last output in a gap; here it is zero
            ys = ys * mask[..., None]
        return jnp.sum(cosines(ys.shape) * ys) + sum(jnp.sum(state**2) for state in last), (ys, last)

    arguments = ([jnp.asarray(w) for w in weights], jnp.asarray(values), [jnp.asarray(s) for s in states])
    (_, (ys, last)), (of_weights, of_xs, of_states) = jax.value_and_grad(loss, (0, 1, 2), has_aux=True)(*arguments)
    assert ys.dtype == np.float64
    return {
        **{f"weight/{i}": w for i, w in enumerate(weights)},
        **{f"grad/{i}": np.asarray(w) for i, w in enumerate(of_weights)},
        **{f"carry/{i}": s for i, s in enumerate(states)},
        **{f"carry_grad/{i}": np.asarray(s) for i, s in enumerate(of_states)},
        **{f"last/{i}": np.asarray(s) for i, s in enumerate(last)},
        "ys": np.asarray(ys),
        "xs_grad": np.asarray(of_xs),
    }
