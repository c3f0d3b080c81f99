"""Keras's recurrent layers as nets, and nets as Keras models. Keras is imported by `to_keras` alone.

There the weights are `[in, gates * H]`, the gates i f c o and z r h; a GRU with `reset_after` has two rows of biases.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.interop import _stack
from jaxrnn.interop._keras_run import KINDS, verified
from jaxrnn.interop._stack import Layer, Stack
from jaxrnn.nets.combine import MERGES
from jaxrnn.nets.layers import AffineParams
from jaxrnn.types import Net, Params


def from_keras(source: Any) -> tuple[Net, Params]:
    """The net of a Keras model, and its params.

    Args:
      source: a layer, a model or a list of layers in the order in which they follow on each other: an `Embedding`;
        `SimpleRNN`, `LSTM`, `GRU`, each perhaps in a `Bidirectional`; one linear `Dense` at the end, perhaps in a
        `TimeDistributed`; `Dropout` before a recurrent layer. All are built, that is, have weights.

    Returns:
      (`Net`, params). The net is time-major [T, B, D], a Keras model batch-major. Where the last recurrent layer has
      `return_sequences=False` the net gives one output, ys [1, B, K]. The `dropout` and `recurrent_dropout` of
      recurrent layers, which act in training alone, are left out.

    Raises:
      ValueError: for what has no counterpart here, by its name: other layers and activations, `go_backwards`, a model
        that computes something else than its layers in their order.
    """
    listed = isinstance(source, list | tuple)
    if not listed and not hasattr(source, "get_weights"):
        raise ValueError(f"from_keras: give a layer, a model or a list of layers, not a {type(source).__name__}")
    layers = list(source) if listed else getattr(source, "layers", [source])
    name = "this list of layers" if listed else type(source).__name__
    return _stack.net(verified(_of_layers(layers), layers if listed else [source], layers, name))


def _of_layers(layers):
    found, dropout = Stack(()), 0.0
    for layer in layers:
        name = _name(layer)
        if name in KINDS or name == "Bidirectional":
            if found.readout is not None or found.output != "every":
                raise ValueError(f"from_keras: {layer.name} follows on a layer with one output or on the readout")
            found = _with_recurrent(found, layer, dropout)
            dropout = 0.0
        elif name in ("Dense", "TimeDistributed") and found.layers and found.readout is None:
            found = found._replace(readout=_readout(layer if name == "Dense" else layer.layer), dropout=dropout)
            dropout = 0.0
        elif name == "Embedding" and not found.layers and not layer.mask_zero:
            found = found._replace(embedding=jnp.asarray(layer.get_weights()[0]))
        elif name == "Dropout" and found.readout is None:
            dropout = layer.rate
        elif name != "InputLayer":
            raise ValueError(
                f"from_keras: no place for {name} {layer.name!r} in this order; an Embedding without mask_zero, "
                "SimpleRNN, LSTM, GRU, Bidirectional and one Dense are read"
            )
    if not found.layers:
        raise ValueError("from_keras: no SimpleRNN, LSTM or GRU among the layers")
    return found


def _name(layer):
    return type(layer).__name__


def _with_recurrent(found, layer, dropout):
    """The stack with one layer more."""
    parts = [layer]
    merge = "concat"
    if _name(layer) == "Bidirectional":
        parts, merge = [layer.forward_layer, layer.backward_layer], layer.merge_mode
        if merge not in MERGES:
            raise ValueError(f"from_keras: {layer.name} has merge_mode={merge}; there are {', '.join(MERGES)}")
    one = parts[0]
    for part in parts:
        if _name(part) not in KINDS:
            raise ValueError(f"from_keras: {layer.name} holds a {_name(part)}; SimpleRNN, LSTM and GRU are read")
    activation = _activation(one)
    if any(_activation(part) != activation for part in parts):
        raise ValueError(f"from_keras: the two directions of {layer.name} have different activations; one is needed")
    if one.go_backwards:
        raise ValueError(f"from_keras: {layer.name} has go_backwards, which reverses its outputs; reverse the inputs")
    added = Layer(*map(_cell, parts), activation=activation, merge=merge, dropout=dropout)
    output = "every"
    if not one.return_sequences:
        output = "last" if len(parts) == 1 else "ends"
    return found._replace(layers=(*found.layers, added), output=output)


def _activation(layer):
    """The activation of a SimpleRNN; that of gated layers has to be tanh, and sigmoid that of their gates."""
    own, gates = _function(layer.activation), getattr(layer, "recurrent_activation", None)
    if gates is not None and (own, _function(gates)) != ("tanh", "sigmoid"):
        raise ValueError(
            f"from_keras: {layer.name} has the activations {own} and {_function(gates)}; tanh and sigmoid are read"
        )
    if own not in _stack.ACTIVATIONS:
        raise ValueError(f"from_keras: {layer.name} has the activation {own}; tanh, relu and linear are read")
    return own


def _function(activation):
    """The name of an activation, a function or a layer."""
    return getattr(activation, "__name__", type(activation).__name__)


def _cell(layer):
    weights = layer.get_weights()[:3]
    if len(weights) < 2:
        raise ValueError(f"from_keras: {layer.name} has no weights yet; call it or build it first")
    if not layer.use_bias:
        columns = weights[1].shape[1]
        shape = (2, columns) if getattr(layer, "reset_after", False) else (columns,)
        weights = [*weights[:2], np.zeros(shape, weights[1].dtype)]
    return cell(weights)


def cell(weights):
    """A cell's params from the `get_weights()` of a SimpleRNN, LSTM or GRU with biases: [kernel, recurrent, bias].

    The shapes tell which it is; a GRU with `reset_after` has two rows of biases.
    """
    w_x, w_h, b = (jnp.asarray(w) for w in weights)
    gates = w_h.shape[1] // len(w_h)
    if gates != 3:
        return (ElmanParams if gates == 1 else LSTMParams)(w_x, w_h, b)
    w_x, w_h, b = (_swap_r_z(a) for a in (w_x, w_h, b))
    if b.ndim == 1:
        return GRUParams(w_x, w_h, b, None)
    split = 2 * len(w_h)
    return GRUParams(w_x, w_h, b[0] + b[1].at[split:].set(0), b[1, split:])


def _readout(dense):
    if _name(dense) != "Dense" or _function(dense.activation) != "linear":
        raise ValueError(
            f"from_keras: {dense.name} is no linear Dense; a softmax belongs to the loss here, whose outputs are logits"
        )
    w = jnp.asarray(dense.get_weights()[0])
    return AffineParams(w, jnp.asarray(dense.get_weights()[1]) if dense.use_bias else jnp.zeros(w.shape[1], w.dtype))


def to_keras(net: Net, params: Params) -> Any:
    """The Keras model that computes what a net computes.

    Args:
      net: a `Net` of recurrent layers, perhaps with an embedding or one-hot symbols before and a readout after them.
      params: its params. Dropout, zoneout's draws and noise, which act in training alone, are left out.

    Returns:
      A `keras.Sequential`, batch-major: inputs [B, T, D], or symbols [B, T], -> ys [B, T, K], or [B, K] for a net of
      one output. It is saved by `model.save(path)` and loads without jaxrnn.

    Raises:
      ValueError: for what Keras has no layer for, by its name.
      ImportError: without Keras.
    """
    return model(_stack.stack(net, params, "Keras"))


def model(stack):
    """The `keras.Sequential` of a stack."""
    import keras
    from keras import layers

    if stack.output == "last" and stack.layers[-1].backward is not None:
        raise ValueError(
            "Keras has no layer for the last step of both directions: its Bidirectional with return_sequences=False "
            "gives the backward direction's first; jaxrnn.nets.bidirectional(nets.last(...), nets.first(...)) does too"
        )
    dtype = str(stack.layers[0].forward.w_x.dtype)
    weights, parts = [], []
    if stack.embedding is not None:
        parts += [keras.Input((None,), dtype="int32"), layers.Embedding(*stack.embedding.shape, dtype=dtype)]
        weights.append(np.asarray(stack.embedding))
    else:
        parts.append(keras.Input((None, stack.layers[0].forward.w_x.shape[0]), dtype=dtype))
    for number, layer in enumerate(stack.layers):
        every = stack.output == "every" or number < len(stack.layers) - 1
        part = _layer(layers, layer, every, dtype)
        both = layer.backward is not None
        parts.append(layers.Bidirectional(part, merge_mode=layer.merge, dtype=dtype) if both else part)
        weights += [w for direction in layer.directions for w in weights_of(direction)]
    if stack.readout is not None:
        parts.append(layers.Dense(stack.readout.w.shape[1], dtype=dtype))
        weights += [np.asarray(a) for a in stack.readout]
    made = keras.Sequential(parts)
    made.set_weights(weights)
    return made


def _layer(layers, layer, every, dtype):
    options = {"units": layer.size, "return_sequences": every, "dtype": dtype}
    if isinstance(layer.forward, ElmanParams):
        return layers.SimpleRNN(activation=layer.activation, **options)
    if isinstance(layer.forward, LSTMParams):
        return layers.LSTM(**options)
    if isinstance(layer.forward, GRUParams):
        return layers.GRU(reset_after=layer.forward.b_hn is not None, **options)
    raise ValueError(f"Keras has no {type(layer.forward).__name__.removesuffix('Params')} layer")


def weights_of(params):
    """[kernel, recurrent, bias] of a cell's params, for `set_weights`."""
    w_x, w_h, b = (np.asarray(a) for a in params[:3])
    if not isinstance(params, GRUParams):
        return [w_x, w_h, b]
    if params.b_hn is not None:
        b = np.stack([b, np.concatenate([np.zeros(2 * len(w_h), b.dtype), params.b_hn])])
    return [np.asarray(_swap_r_z(a)) for a in (w_x, w_h, b)]


def _swap_r_z(a):
    first, second, candidate = jnp.split(jnp.asarray(a), 3, axis=-1)
    return jnp.concatenate([second, first, candidate], axis=-1)
