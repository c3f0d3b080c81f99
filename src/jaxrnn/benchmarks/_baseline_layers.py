"""One recurrent layer in jaxrnn and in other tools: its outputs, or the gradient of their mean square, on float32
noise.

Every function takes (kind, batch, steps, inputs, units, backward), with kind one of lstm, gru and elman. It returns a
function without arguments that computes once and waits for the result. It raises KeyError if the tool has no such cell.
"""

import importlib
import os
from collections.abc import Callable
from typing import Any, Literal

import numpy as np


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def ours(kind, batch, steps, inputs, units, backward, unroll="deferred"):
    """jaxrnn, with the rows of the batch distributed over all devices as in training; also jordan, with one output."""
    from jaxrnn import runtime
    from jaxrnn.cells import elman, gru, jordan, lstm
    from jaxrnn.nets import recurrent

    runtime.prepare()
    cells = {"lstm": lstm.cell, "gru": gru.cell, "elman": elman.cell, "jordan": lambda size: jordan.cell(size, 1)}
    unroll_function = importlib.import_module(f"jaxrnn.unroll.{unroll}").unroll()
    return compiled(recurrent(cells[kind](units), unroll_function), batch, steps, inputs, backward)


def compiled(net, batch, steps, inputs, backward, mask=None):
    """Returns the timed function of a net on noise; `mask` holds the valid steps [T, B], or None for all of them."""
    import jax
    from jax import lax
    from jax import numpy as jnp
    from jax.sharding import NamedSharding
    from jax.sharding import PartitionSpec as P

    from jaxrnn import runtime
    from jaxrnn.jax_internals import compiler_options

    params = net.init(jax.random.key(0), inputs)
    mesh = runtime.mesh(batch, params=params)
    everywhere, by_rows = NamedSharding(mesh, P()), NamedSharding(mesh, P(None, runtime.ROWS))
    params = jax.device_put(params, everywhere)
    xs, mask = jax.device_put((jax.random.normal(jax.random.key(1), (steps, batch, inputs)), mask), by_rows)

    def outputs(params, xs, mask):
        return net.apply(params, net.initial(params, (xs.shape[1],)), xs, mask=mask)[1]

    def gradient(params, xs, mask):
        grads = jax.grad(lambda params: jnp.mean(outputs(params, xs, mask) ** 2))(params)
        return lax.pmean(grads, runtime.ROWS)

    compute = jax.jit(
        jax.shard_map(
            gradient if backward else outputs,
            mesh=mesh,
            in_specs=(P(), P(None, runtime.ROWS), P(None, runtime.ROWS)),
            out_specs=P() if backward else P(None, runtime.ROWS),
            check_vma=False,
        ),
        compiler_options=compiler_options(),
    )
    return lambda: jax.block_until_ready(compute(params, xs, mask))


def torch_layer(kind):
    import torch

    return {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}[kind]


def pytorch(kind, batch, steps, inputs, units, backward):
    """PyTorch: `torch.nn` on all cores, or on the GPU with cuDNN if there is one."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    layer = torch_layer(kind)(inputs, units).to(device)
    xs = torch.tensor(noise(steps, batch, inputs), device=device)
    return torch_call(layer, lambda: layer(xs)[0], backward, wait=torch.cuda.synchronize if device == "cuda" else None)


def torch_call(layer, outputs, backward, wait=None):
    """Returns the timed function of a layer, given a function that computes its outputs."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))

    def forward():
        with torch.no_grad():
            outputs()

    def gradient():
        layer.zero_grad()
        outputs().square().mean().backward()

    compute = gradient if backward else forward
    return compute if wait is None else lambda: (compute(), wait())


def keras_layer(kind):
    import keras

    return {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "elman": keras.layers.SimpleRNN}[kind]


def keras(kind, batch, steps, inputs, units, backward):
    """Keras: `keras.layers` on the backend that KERAS_BACKEND names, compiled as a whole; batch-major, as in Keras."""
    layer = keras_layer(kind)(units, return_sequences=True)
    layer.build((batch, steps, inputs))
    return keras_call(layer, noise(batch, steps, inputs), backward)


def keras_call(layer, xs, backward):
    """Returns the timed function of a built layer or a model."""
    import keras

    return (_keras_on_jax if keras.backend.backend() == "jax" else _keras_on_tensorflow)(layer, xs, backward)


def _keras_on_jax(layer, xs, backward):
    import jax.numpy as jnp

    states = [variable.value for variable in layer.non_trainable_variables]
    weights = [variable.value for variable in layer.trainable_variables]
    return jitted(lambda w, xs: layer.stateless_call(w, states, xs)[0], weights, jnp.asarray(xs), backward)


def _keras_on_tensorflow(layer, xs, backward):
    import tensorflow as tf

    xs = tf.constant(xs)

    @tf.function
    def forward():
        return layer(xs)

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(layer(xs) ** 2)
        return tape.gradient(loss, layer.trainable_variables)

    compute = gradient if backward else forward

    def wait():
        compute()
        tf.test.experimental.sync_devices()

    return wait


def linen_cell(kind):
    from flax import linen as nn

    return {"lstm": nn.OptimizedLSTMCell, "gru": nn.GRUCell, "elman": nn.SimpleCell}[kind]


def linen(kind, batch, steps, inputs, units, backward):
    """Flax: `flax.linen.RNN`."""
    import jax
    from flax import linen as nn

    net = nn.RNN(linen_cell(kind)(units), time_major=True)
    xs = jax.numpy.asarray(noise(steps, batch, inputs))
    return jitted(net.apply, net.init(jax.random.key(0), xs), xs, backward)


def nnx(kind, batch, steps, inputs, units, backward):
    """Flax: `flax.nnx.RNN`."""
    import jax
    from flax import nnx as nn

    cells = {"lstm": nn.OptimizedLSTMCell, "gru": nn.GRUCell, "elman": nn.SimpleCell}
    net = nn.RNN(cells[kind](inputs, units, rngs=nn.Rngs(0)), time_major=True, rngs=nn.Rngs(0))
    xs = jax.numpy.asarray(noise(steps, batch, inputs))
    gradient = nn.grad(lambda net, xs: jax.numpy.mean(net(xs) ** 2))
    compute = nn.cached_partial(nn.jit(gradient if backward else lambda net, xs: net(xs)), net)
    return lambda: jax.block_until_ready(compute(xs))


def haiku(kind, batch, steps, inputs, units, backward):
    """Haiku: `haiku.dynamic_unroll`."""
    import haiku as hk
    import jax

    def run(xs):
        cell = {"lstm": hk.LSTM, "gru": hk.GRU, "elman": hk.VanillaRNN}[kind](units)
        return hk.dynamic_unroll(cell, xs, cell.initial_state(batch))[0]

    net = hk.without_apply_rng(hk.transform(run))
    xs = jax.numpy.asarray(noise(steps, batch, inputs))
    return jitted(net.apply, net.init(jax.random.key(0), xs), xs, backward)


def equinox(kind, batch, steps, inputs, units, backward):
    """Equinox: `equinox.nn` cells in `jax.lax.scan`, as in its documentation."""
    import equinox as eqx
    import jax
    from jax import numpy as jnp

    cell = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}[kind](inputs, units, key=jax.random.key(0))
    weights, static = eqx.partition(cell, eqx.is_array)

    def run(weights, xs):
        cell = eqx.combine(weights, static)
        zeros = jnp.zeros((batch, units))

        def step(state, x):
            state = jax.vmap(cell)(x, state)
            return state, state[0] if kind == "lstm" else state

        return jax.lax.scan(step, (zeros, zeros) if kind == "lstm" else zeros, xs)[1]

    return jitted(run, weights, jnp.asarray(noise(steps, batch, inputs)), backward)


def jitted(outputs, weights, xs, backward):
    import jax
    from jax import numpy as jnp

    compute = jax.jit(jax.grad(lambda weights, xs: jnp.mean(outputs(weights, xs) ** 2)) if backward else outputs)
    return lambda: jax.block_until_ready(compute(weights, xs))


TENSORFLOW, JAX = {"KERAS_BACKEND": "tensorflow"}, {"KERAS_BACKEND": "jax"}
Baseline = Literal["PyTorch", "Keras on TensorFlow", "Keras on JAX", "Flax linen", "Flax nnx", "Haiku", "Equinox"]
BASELINES: dict[
    Baseline, tuple[Callable[..., Any], dict[str, str]]
] = {  # {tool: (function, environment of its process)}
    "PyTorch": (pytorch, {}),
    "Keras on TensorFlow": (keras, TENSORFLOW),
    "Keras on JAX": (keras, JAX),
    "Flax linen": (linen, {}),
    "Flax nnx": (nnx, {}),
    "Haiku": (haiku, {}),
    "Equinox": (equinox, {}),
}
