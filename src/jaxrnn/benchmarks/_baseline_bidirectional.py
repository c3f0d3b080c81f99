"""Two bidirectional recurrent layers over sequences of lengths T/2 to T, in jaxrnn and in other tools.

The functions follow `_baseline_layers`; `units` counts each direction. Every tool receives the lengths in the way its
documentation shows.
"""

import importlib
from typing import Any

import numpy as np

from jaxrnn.benchmarks import _baseline_layers as layers


def _lengths(batch, steps):
    lengths = np.random.default_rng(1).integers((steps + 1) // 2, steps + 1, batch)
    lengths[0] = steps
    return lengths


def _mask(batch, steps):
    """Returns the mask of valid steps, [T, B]."""
    return np.arange(steps)[:, None] < _lengths(batch, steps)


def ours(kind, batch, steps, inputs, units, backward, unroll="deferred"):
    """jaxrnn: `bidirectional` twice, with a mask; the rows of the batch are distributed over all devices."""
    from jaxrnn import runtime
    from jaxrnn.cells import elman, gru, lstm
    from jaxrnn.nets import bidirectional, recurrent, serial

    runtime.prepare()
    cell = {"lstm": lstm, "gru": gru, "elman": elman}[kind].cell(units)
    unroll_function = importlib.import_module(f"jaxrnn.unroll.{unroll}").unroll()
    layer = bidirectional(recurrent(cell, unroll_function), recurrent(cell, unroll_function, reverse=True))
    return layers.compiled(serial(layer, layer), batch, steps, inputs, backward, _mask(batch, steps))


def pytorch(kind, batch, steps, inputs, units, backward):
    """PyTorch: `torch.nn` with a packed sequence."""
    import torch

    make = layers.torch_layer(kind)
    layer = make(inputs, units, num_layers=2, bidirectional=True)
    xs, lengths = torch.tensor(layers.noise(steps, batch, inputs)), torch.tensor(_lengths(batch, steps))
    packed = torch.nn.utils.rnn.pack_padded_sequence(xs, lengths, enforce_sorted=False)

    def outputs():
        return torch.nn.utils.rnn.pad_packed_sequence(layer(packed)[0], total_length=steps)[0]

    return layers.torch_call(layer, outputs, backward)


def keras(kind, batch, steps, inputs, units, backward):
    """Keras: `Masking`, then `Bidirectional` twice, on the backend that KERAS_BACKEND names."""
    import keras

    make = layers.keras_layer(kind)
    both = [keras.layers.Bidirectional(make(units, return_sequences=True)) for _ in range(2)]
    model = keras.Sequential([keras.layers.Masking(), *both])
    model.build((batch, steps, inputs))
    return layers.keras_call(model, layers.noise(batch, steps, inputs) * _mask(batch, steps).T[..., None], backward)


def linen(kind, batch, steps, inputs, units, backward):
    """Flax: `flax.linen.Bidirectional` twice, with `seq_lengths`."""
    import jax
    from flax import linen as nn

    def layer() -> Any:
        forward, backward = (nn.RNN(layers.linen_cell(kind)(units)) for _ in range(2))
        return nn.Bidirectional(forward, backward, time_major=True)

    class Net(nn.Module):
        @nn.compact
        def __call__(self, xs):
            for _ in range(2):
                xs = layer()(xs, seq_lengths=_lengths(batch, steps))
            return xs

    xs = jax.numpy.asarray(layers.noise(steps, batch, inputs))
    return layers.jitted(Net().apply, Net().init(jax.random.key(0), xs), xs, backward)


BASELINES = {
    "PyTorch": (pytorch, {}),
    "Keras on TensorFlow": (keras, layers.TENSORFLOW),
    "Keras on JAX": (keras, layers.JAX),
    "Flax linen": (linen, {}),
}
