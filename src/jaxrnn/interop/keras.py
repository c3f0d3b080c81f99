"""Converts Keras's recurrent layers to nets, and nets to Keras models. Keras is imported only when it is needed.

Keras's weights have the shape `[in, gates * H]`. Its gates have the order i f c o and z r h. A GRU with `reset_after`
has two rows of biases.
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
    """Converts a Keras model to a net and its params.

    Args:
      source: a layer, a model or a list of layers in order. All layers must have weights already. Supported layers:

        - an `Embedding` first;
        - `SimpleRNN`, `LSTM` and `GRU`, also inside a `Bidirectional`;
        - `Dropout` before a recurrent layer;
        - one linear `Dense` last, also inside a `TimeDistributed`.

    Returns:
      (`Net`, params). The net is time-major [T, B, D], while a Keras model is batch-major. If the last recurrent layer
      has `return_sequences=False`, the net has one output per sequence, ys [1, B, K]. The `dropout` and
      `recurrent_dropout` of recurrent layers act only in training and are left out.

    Raises:
      ValueError: if a part has no counterpart in jaxrnn (the message names it): other layers or activations,
        `go_backwards`, or a model that computes something other than its layers in order.
    """
    is_list = isinstance(source, list | tuple)
    if not is_list and not hasattr(source, "get_weights"):
        raise ValueError(f"from_keras: expected a layer, a model or a list of layers, got a {type(source).__name__}")
    layers = list(source) if is_list else getattr(source, "layers", [source])
    name = "this list of layers" if is_list else type(source).__name__
    return _stack.net(verified(_stack_of_layers(layers), layers if is_list else [source], layers, name))


def _stack_of_layers(layers):
    stack, dropout = Stack(()), 0.0
    for layer in layers:
        name = _name(layer)
        if name in KINDS or name == "Bidirectional":
            if stack.readout is not None or stack.output != "every":
                raise ValueError(
                    f"from_keras: {layer.name} comes after the readout or after a layer with one output per sequence"
                )
            stack = _with_recurrent(stack, layer, dropout)
            dropout = 0.0
        elif name in ("Dense", "TimeDistributed") and stack.layers and stack.readout is None:
            stack = stack._replace(readout=_readout(layer if name == "Dense" else layer.layer), dropout=dropout)
            dropout = 0.0
        elif name == "Embedding" and not stack.layers and not layer.mask_zero:
            stack = stack._replace(embedding=jnp.asarray(layer.get_weights()[0]))
        elif name == "Dropout" and stack.readout is None:
            dropout = layer.rate
        elif name != "InputLayer":
            raise ValueError(
                f"from_keras: unexpected {name} {layer.name!r}: expected an Embedding without mask_zero, then "
                "SimpleRNN, LSTM, GRU or Bidirectional layers, then one Dense"
            )
    if not stack.layers:
        raise ValueError("from_keras: the layers contain no SimpleRNN, LSTM or GRU")
    return stack


def _name(layer):
    return type(layer).__name__


def _with_recurrent(stack, layer, dropout):
    """Adds a recurrent layer to a stack."""
    parts = [layer]
    merge = "concat"
    if _name(layer) == "Bidirectional":
        parts, merge = [layer.forward_layer, layer.backward_layer], layer.merge_mode
        if merge not in MERGES:
            raise ValueError(f"from_keras: {layer.name} has merge_mode={merge}: expected one of {', '.join(MERGES)}")
    forward = parts[0]
    for part in parts:
        if _name(part) not in KINDS:
            raise ValueError(f"from_keras: {layer.name} contains a {_name(part)}: expected a SimpleRNN, LSTM or GRU")
    activation = _activation(forward)
    if any(_activation(part) != activation for part in parts):
        raise ValueError(f"from_keras: both directions of {layer.name} must have the same activation")
    if forward.go_backwards:
        raise ValueError(
            f"from_keras: {layer.name} has go_backwards=True, which has no counterpart; reverse the inputs instead"
        )
    new_layer = Layer(*map(_cell, parts), activation=activation, merge=merge, dropout=dropout)
    output = "every"
    if not forward.return_sequences:
        output = "last" if len(parts) == 1 else "ends"
    return stack._replace(layers=(*stack.layers, new_layer), output=output)


def _activation(layer):
    """Returns the activation of a layer. Gated layers must use tanh, with sigmoid for the gates."""
    name, gates = _function(layer.activation), getattr(layer, "recurrent_activation", None)
    if gates is not None and (name, _function(gates)) != ("tanh", "sigmoid"):
        raise ValueError(
            f"from_keras: {layer.name} has the activations {name} and {_function(gates)}: expected tanh and sigmoid"
        )
    if name not in _stack.ACTIVATIONS:
        raise ValueError(f"from_keras: {layer.name} has the activation {name}: expected tanh, relu or linear")
    return name


def _function(activation):
    """Returns the name of an activation, which is a function or a layer."""
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
    """Converts the weights [kernel, recurrent, bias] of a SimpleRNN, LSTM or GRU with biases to a cell's params.

    The kind of layer follows from the shapes. A GRU with `reset_after` has two rows of biases.
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
            f"from_keras: {dense.name} must be a Dense with a linear activation; in jaxrnn the loss applies the softmax"
        )
    w = jnp.asarray(dense.get_weights()[0])
    return AffineParams(w, jnp.asarray(dense.get_weights()[1]) if dense.use_bias else jnp.zeros(w.shape[1], w.dtype))


def to_keras(net: Net, params: Params) -> Any:
    """Converts a net to a Keras model that computes the same outputs.

    Args:
      net: a `Net` of recurrent layers. It may start with an embedding or one-hot symbols and end with a readout.
      params: its params. Dropout, noise and the random part of zoneout act only in training and are left out.

    Returns:
      A `keras.Sequential`, batch-major: inputs [B, T, D], or symbols [B, T], -> ys [B, T, K], or [B, K] for a net with
      one output per sequence. Save it with `model.save(path)`; it loads without jaxrnn.

    Raises:
      ValueError: if Keras has no layer for a part of the net. The message names the part.
      ImportError: if Keras is not installed.
    """
    return model(_stack.stack(net, params, "Keras"))


def model(stack):
    """Converts a stack to a `keras.Sequential`."""
    import keras
    from keras import layers

    if stack.output == "last" and stack.layers[-1].backward is not None:
        raise ValueError(
            "Keras has no layer that returns the last step of both directions: its Bidirectional returns the first "
            "step of the backward direction; build the net with nets.bidirectional(nets.last(...), nets.first(...))"
        )
    dtype = str(stack.layers[0].forward.w_x.dtype)
    weights, parts = [], []
    if stack.embedding is not None:
        parts += [keras.Input((None,), dtype="int32"), layers.Embedding(*stack.embedding.shape, dtype=dtype)]
        weights.append(np.asarray(stack.embedding))
    else:
        parts.append(keras.Input((None, stack.layers[0].forward.w_x.shape[0]), dtype=dtype))
    for number, layer in enumerate(stack.layers):
        return_sequences = stack.output == "every" or number < len(stack.layers) - 1
        part = _layer(layers, layer, return_sequences, dtype)
        is_bidirectional = layer.backward is not None
        parts.append(layers.Bidirectional(part, merge_mode=layer.merge, dtype=dtype) if is_bidirectional else part)
        weights += [w for direction in layer.directions for w in weights_of(direction)]
    if stack.readout is not None:
        parts.append(layers.Dense(stack.readout.w.shape[1], dtype=dtype))
        weights += [np.asarray(a) for a in stack.readout]
    sequential = keras.Sequential(parts)
    sequential.set_weights(weights)
    return sequential


def _layer(layers, layer, return_sequences, dtype):
    options = {"units": layer.size, "return_sequences": return_sequences, "dtype": dtype}
    if isinstance(layer.forward, ElmanParams):
        return layers.SimpleRNN(activation=layer.activation, **options)
    if isinstance(layer.forward, LSTMParams):
        return layers.LSTM(**options)
    if isinstance(layer.forward, GRUParams):
        return layers.GRU(reset_after=layer.forward.b_hn is not None, **options)
    raise ValueError(f"Keras has no {type(layer.forward).__name__.removesuffix('Params')} layer")


def weights_of(params):
    """Converts a cell's params to [kernel, recurrent, bias] for `set_weights`."""
    w_x, w_h, b = (np.asarray(a) for a in params[:3])
    if not isinstance(params, GRUParams):
        return [w_x, w_h, b]
    if params.b_hn is not None:
        b = np.stack([b, np.concatenate([np.zeros(2 * len(w_h), b.dtype), params.b_hn])])
    return [np.asarray(_swap_r_z(a)) for a in (w_x, w_h, b)]


def _swap_r_z(a):
    first, second, candidate = jnp.split(jnp.asarray(a), 3, axis=-1)
    return jnp.concatenate([second, first, candidate], axis=-1)
