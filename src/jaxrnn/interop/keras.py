"""Converts Keras's recurrent layers to nets, and nets to Keras models. Keras is imported only when it is needed."""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from jaxrnn.interop._equivalence import ROWS, STEPS
from jaxrnn.interop._library import Library, Part, exported, layer_of, modules_of, net_of_parts, part_of
from jaxrnn.interop._stack import ACTIVATIONS
from jaxrnn.interop._weights import Format
from jaxrnn.nets.combine import MERGES
from jaxrnn.types import Net, Params

ARRAYS = ("kernel", "recurrent", "bias")
GRU = Format("GRU", ("GRU",), *ARRAYS, "recurrent_bias", gates="zrn", variants=("after",))
LIBRARY = Library(
    name="Keras",
    reader="from_keras",
    expected="an Embedding without mask_zero, then SimpleRNN, LSTM, GRU or Bidirectional layers, then one linear Dense",
    cells=(
        Format("Elman", ("SimpleRNN",), *ARRAYS),
        Format("LSTM", ("LSTM",), *ARRAYS),
        GRU,
        GRU._replace(modules=("GRU", "GRU with reset_after=False"), b_h=None, variants=("before",)),
    ),
    embedding=("Embedding", "table"),
    readout=("Dense", "kernel", "bias"),
    outputs=("all", "last", "ends"),
)


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
    modules, name = (layers, "this list of layers") if is_list else ([source], type(source).__name__)
    parts, sizes = [_part(layer) for layer in layers], _sizes(modules, layers, name)
    return net_of_parts(LIBRARY, parts, partial(_run, modules, layers), name, **sizes)


def _part(layer):
    kind, label = type(layer).__name__, f"{type(layer).__name__} {getattr(layer, 'name', '')!r}"
    if kind == "Bidirectional":
        return _bidirectional(layer)
    if kind == "TimeDistributed":
        return _part(layer.layer)
    if kind == "Dropout":
        return Part(label, "dropout", layer.rate)
    if kind in LIBRARY.modules:
        return _recurrent(layer)
    if kind == "Dense" and _function(layer.activation) != "linear":
        raise ValueError(
            f"from_keras: {layer.name} must have a linear activation, found {_function(layer.activation)}; in jaxrnn "
            "the loss applies the softmax"
        )
    if kind == "Embedding" and layer.mask_zero:
        return Part(f"{label} with mask_zero=True")
    if kind in ("Dense", "Embedding"):
        return part_of(LIBRARY, kind, arrays_of_weights(layer))
    return Part(label, "ignored" if kind == "InputLayer" else "unexpected")


def _bidirectional(layer):
    if layer.merge_mode not in MERGES:
        raise ValueError(
            f"from_keras: {layer.name} has merge_mode={layer.merge_mode}: expected one of {', '.join(MERGES)}"
        )
    directions = [_recurrent(layer.forward_layer), _recurrent(layer.backward_layer, backwards=True)]
    return layer_of(LIBRARY, directions, layer.merge_mode)


def _recurrent(layer, backwards=False):
    if type(layer).__name__ not in LIBRARY.modules:
        return Part(type(layer).__name__)
    if layer.go_backwards != backwards:
        raise ValueError(
            f"from_keras: {layer.name} has go_backwards=True, which has no counterpart; reverse the inputs instead"
        )
    name = type(layer).__name__ if getattr(layer, "reset_after", True) else "GRU with reset_after=False"
    return part_of(LIBRARY, name, arrays_of_weights(layer), _activation(layer))


def _activation(layer):
    """Returns the activation of a layer. Gated layers must use tanh, with sigmoid for the gates."""
    name, gates = _function(layer.activation), getattr(layer, "recurrent_activation", None)
    if gates is not None and (name, _function(gates)) != ("tanh", "sigmoid"):
        raise ValueError(
            f"from_keras: {layer.name} has the activations {name} and {_function(gates)}: expected tanh and sigmoid"
        )
    if name not in ACTIVATIONS:
        raise ValueError(f"from_keras: {layer.name} has the activation {name}: expected {', '.join(ACTIVATIONS)}")
    return name


def _function(activation):
    """Returns the name of an activation, which is a function or a layer."""
    return getattr(activation, "__name__", type(activation).__name__)


def arrays_of_weights(layer):
    """Names the arrays of `get_weights`. A GRU with `reset_after` has two rows of biases."""
    names = {"Embedding": ("table",), "Dense": ("kernel", "bias")}.get(type(layer).__name__, ARRAYS)
    names = list(names)[: None if getattr(layer, "use_bias", True) else -1]
    arrays = dict(zip(names, layer.get_weights(), strict=False))
    if not arrays:
        raise ValueError(f"from_keras: {layer.name} has no weights yet; call it or build it first")
    if "bias" in arrays and arrays["bias"].ndim == 2:
        arrays["bias"], arrays["recurrent_bias"] = arrays["bias"]
    return arrays


def weights_of_arrays(arrays):
    """Lists arrays as `set_weights` expects them."""
    weights = {name: np.asarray(a) for name, a in arrays.items()}
    if "recurrent_bias" in weights:
        weights["bias"] = np.stack([weights["bias"], weights.pop("recurrent_bias")])
    return list(weights.values())


def _sizes(modules, layers, name):
    """Returns the steps and rows of the inputs that a model or a first layer accepts."""
    shapes = [tensor.shape for module in modules[:1] for tensor in getattr(module, "inputs", None) or []]
    if len(shapes) > 1:
        raise ValueError(f"from_keras: {name} has {len(shapes)} inputs, but a net has one")
    rows, steps = shapes[0][:2] if shapes else (None, None)
    states = [layer.states[0].shape[0] for layer in _stateful(layers)]
    return {"steps": steps or STEPS, "rows": rows or next(iter(states), ROWS)}


def _stateful(layers):
    """Lists the recurrent layers with `stateful=True`, including the ones inside a Bidirectional."""
    directions = [getattr(layer, name, None) for layer in layers for name in ("forward_layer", "backward_layer")]
    return [part for part in [*layers, *directions] if type(part).__name__ in LIBRARY.modules and part.stateful]


def _run(modules, layers, xs):
    """Runs the modules on time-major inputs from zero states, and restores the states afterwards."""
    keras = import_module("keras")  # pyright takes `import keras` for this file where Keras is not installed

    hs = np.swapaxes(xs, 0, 1)
    states = [state for layer in _stateful(layers) for state in layer.states]
    values = [keras.ops.convert_to_numpy(state) for state in states]
    try:
        for state in states:
            state.assign(np.zeros(state.shape))
        for module in modules:
            hs = module(hs)
            hs = hs[0] if isinstance(hs, list | tuple) else hs
    finally:
        for state, value in zip(states, values, strict=True):
            state.assign(value)
    ys: Any = keras.ops.convert_to_numpy(hs)
    return np.swapaxes(ys, 0, 1) if ys.ndim == 3 else ys


def to_keras(net: Net, params: Params) -> Any:
    """Converts a net to a Keras model that computes the same outputs. Arguments and errors: see `jaxrnn.interop`.

    Returns:
      A `keras.Sequential`, batch-major: inputs [B, T, D], or symbols [B, T], -> ys [B, T, K], or [B, K] for a net with
      one output per sequence. Save it with `model.save(path)`; it loads without jaxrnn.
    """
    keras = import_module("keras")
    layers = keras.layers

    stack = exported(LIBRARY, net, params)
    if stack.output == "last" and stack.layers[-1].backward is not None:
        raise ValueError(
            "Keras has no layer that returns the last step of both directions: its Bidirectional returns the first "
            "step of the backward direction; build the net with nets.bidirectional(nets.last(...), nets.first(...))"
        )
    dtype = str(stack.layers[0].forward.w_x.dtype)
    weights = []

    def make(spec):
        weights.extend(weights_of_arrays(spec.arrays))
        options = {} if spec.activation is None else {"activation": spec.activation}
        options |= {"reset_after": "recurrent_bias" in spec.arrays} if spec.module == "GRU" else {}
        return getattr(layers, spec.module)(*spec.inferred_sizes, dtype=dtype, **options)

    def recurrent(layer, modules):
        modules[0].return_sequences = stack.output == "all" or layer is not stack.layers[-1]
        if len(modules) == 1:
            return modules[0]
        return layers.Bidirectional(modules[0], merge_mode=layer.merge, dtype=dtype)

    modules = modules_of(LIBRARY, stack, make, recurrent)
    is_symbols = stack.embedding is not None
    shape = (None,) if is_symbols else (None, stack.layers[0].forward.w_x.shape[0])
    model = keras.Sequential([keras.Input(shape, dtype="int32" if is_symbols else dtype), *modules])
    model.set_weights(weights)
    return model
