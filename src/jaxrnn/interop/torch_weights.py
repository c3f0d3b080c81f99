"""Converts a PyTorch state dict to a `Stack`, and a `Stack` to a state dict. Does not import torch.

PyTorch's weights have the shape `[gates * H, in]`. The gates have the order i f g o and r z n. PyTorch adds two biases,
jaxrnn has one. An export writes zeros as the second bias, except for the candidate of a GRU.
"""

import jax.numpy as jnp
import numpy as np

from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.interop._stack import Layer, Stack
from jaxrnn.interop._torch_state import others, recurrent_layers
from jaxrnn.nets.layers import AffineParams


def read(state, activation):
    """Converts a state dict to a `Stack`. See `from_torch`."""
    if activation not in ("tanh", "relu"):
        raise ValueError(f"activation={activation}: expected tanh or relu")
    names_by_layer, prefixes = recurrent_layers(state)
    layers = tuple(Layer(*(_cell(state, names) for names in layer), activation=activation) for layer in names_by_layer)
    recurrent = {name for layer in names_by_layer for names in layer for name in names.values()}
    return _add_others(Stack(layers), {name: a for name, a in state.items() if name not in recurrent}, prefixes)


def _cell(state, names):
    """Converts the arrays with the given names to a cell's params."""
    arrays = {kind: array(state[name]) for kind, name in names.items()}
    w_x, w_h = arrays["weight_ih"].T, arrays["weight_hh"].T
    size, columns = w_h.shape if w_h.ndim == 2 else (0, 0)
    if not size or columns not in (size, 3 * size, 4 * size):
        raise ValueError(
            f"from_torch: {names['weight_hh']} of shape {tuple(w_h.T.shape)} is not a recurrent weight: expected "
            "[H, H] for an nn.RNN, [4 H, H] for an nn.LSTM or [3 H, H] for an nn.GRU"
        )
    for kind, a in arrays.items():
        expected = (columns, *({"weight_ih": a.shape[1:2], "weight_hh": (size,)}.get(kind, ())))
        if a.shape != expected:
            raise ValueError(
                f"from_torch: {names[kind]} has the shape {a.shape}: expected {expected} to fit {names['weight_hh']}"
            )
    zeros = jnp.zeros(columns, w_h.dtype)
    b_x, b_h = (arrays.get(kind, zeros) for kind in ("bias_ih", "bias_hh"))
    if columns == 3 * size:
        return GRUParams(w_x, w_h, b_x + b_h.at[2 * size :].set(0), b_h[2 * size :])
    return (ElmanParams if columns == size else LSTMParams)(w_x, w_h, b_x + b_h)


def _add_others(stack, arrays, prefixes):
    """Adds the readout and the embedding, which are in the arrays that are not recurrent, to a stack."""
    weights = {name: array(value) for name, value in arrays.items() if name.endswith("weight")}
    biases = {bias: name for name in weights if (bias := name.removesuffix("weight") + "bias") in arrays}
    if unexpected := sorted(set(arrays) - set(weights) - set(biases)):
        raise ValueError(f"from_torch: unexpected names in the state_dict: {', '.join(unexpected)}")
    if not weights:
        return stack
    width = stack.layers[-1].size * len(stack.layers[-1].directions)
    shapes = {name: w.shape for name, w in weights.items()}
    names = others(shapes, set(biases.values()), width, stack.layers[0].forward.w_x.shape[0], prefixes)
    if "embedding" in names:
        stack = stack._replace(embedding=weights[names["embedding"]])
    if "readout" in names:
        bias = arrays.get(names["readout"].removesuffix("weight") + "bias")
        stack = stack._replace(readout=readout(weights[names["readout"]], bias))
    return stack


def readout(weight, bias):
    """Converts the weight and the bias of an `nn.Linear` to `AffineParams`."""
    w = array(weight).T
    return AffineParams(w, jnp.zeros(w.shape[1], w.dtype) if bias is None else array(bias))


def array(value):
    """Converts a tensor or an array to a JAX array of float32 or higher precision."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.dtype.itemsize == 2 and value.is_floating_point() else value
        value = value.numpy()
    value = np.asarray(value)
    return jnp.asarray(value.astype(np.float32) if value.dtype.itemsize == 2 else value)


def settings(stack):
    """Converts a stack to (arguments of `Recurrent`, state dict of NumPy arrays)."""
    blocks, state = [], {}
    for layer in stack.layers:
        kind = _kind(layer)
        block = {"kind": kind, "input_size": layer.forward.w_x.shape[0], "hidden_size": layer.size, "num_layers": 1}
        block |= {"bidirectional": layer.backward is not None}
        block |= {"nonlinearity": layer.activation} if kind == "RNN" else {}
        continues_block = blocks and {**blocks[-1], "num_layers": 1, "input_size": block["input_size"]} == block
        if continues_block:
            blocks[-1]["num_layers"] += 1
        else:
            blocks.append(block)
        for reverse, direction in enumerate(layer.directions):
            prefix = f"layers.{len(blocks) - 1}."
            suffix = f"_l{blocks[-1]['num_layers'] - 1}" + ("_reverse" if reverse else "")
            state |= {f"{prefix}{name}{suffix}": value for name, value in weights_of(direction).items()}
    arguments = {"blocks": blocks, "output": stack.output, "output_size": None, "vocabulary": None}
    if stack.readout is not None:
        arguments["output_size"] = int(stack.readout.w.shape[1])
        state |= {"readout.weight": np.array(stack.readout.w).T, "readout.bias": np.array(stack.readout.b)}
    if stack.embedding is not None:
        arguments["vocabulary"] = len(stack.embedding)
        state["embedding.weight"] = np.array(stack.embedding)
    return arguments, state


def _kind(layer):
    if layer.backward is not None and layer.merge != "concat":
        raise ValueError(
            f"PyTorch has no merge={layer.merge}: it always concatenates the outputs of two directions (merge=concat)"
        )
    if isinstance(layer.forward, ElmanParams):
        if layer.activation == "linear":
            raise ValueError("PyTorch's nn.RNN has no linear activation: expected tanh or relu")
        return "RNN"
    if isinstance(layer.forward, GRUParams):
        if layer.forward.b_hn is None:
            raise ValueError("PyTorch has no GRU with reset=before")
        return "GRU"
    if isinstance(layer.forward, LSTMParams):
        return "LSTM"
    raise ValueError(f"PyTorch has no {type(layer.forward).__name__.removesuffix('Params')} layer")


def weights_of(params):
    """Converts a cell's params to {name without the layer's number: array}."""
    b_h = np.zeros(params.b.shape, params.b.dtype)
    if isinstance(params, GRUParams):
        b_h[2 * len(params.w_h) :] = params.b_hn
    return {
        "weight_ih": np.array(params.w_x).T,
        "weight_hh": np.array(params.w_h).T,
        "bias_ih": np.array(params.b),
        "bias_hh": b_h,
    }
