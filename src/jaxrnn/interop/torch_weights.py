"""PyTorch's weights as arrays by their names: a state dict as a `Stack`, and a `Stack` as one; without torch.

There the weights are `[gates * H, in]`, the gates i f g o and r z n, with two biases that are added up: one bias here,
and on the way back the second one is zero, except that of the candidate of a GRU.
"""

import re

import jax.numpy as jnp
import numpy as np

from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.interop._stack import Layer, Stack
from jaxrnn.nets.layers import AffineParams

WEIGHT = re.compile(r"(.*?)(weight|bias)_(ih|hh)(?:_l(\d+)(_reverse)?)?$")


def read(state, activation):
    """The `Stack` of a state dict, as of `from_torch`."""
    if activation not in ("tanh", "relu"):
        raise ValueError(f"activation={activation}: nn.RNN has tanh and relu")
    recurrent, rest, first = {}, {}, None
    for name, value in state.items():
        match = WEIGHT.match(name)
        if match:
            prefix, what, side, number, reverse = match.groups()
            recurrent.setdefault((prefix, int(number or 0)), {})[what, side, bool(reverse)] = array(value)
        else:
            rest[name] = value
            first = first or (None if recurrent else name)
    if any("weight_hr" in name for name in rest):
        raise ValueError("from_torch: an nn.LSTM with proj_size has no counterpart here")
    if not recurrent:
        raise ValueError("from_torch: no weight_ih among the names; that is no nn.RNN, nn.LSTM or nn.GRU")
    layers = tuple(
        Layer(*(_cell(parts, way) for way in (False, True) if ("weight", "ih", way) in parts), activation=activation)
        for parts in recurrent.values()
    )
    return _with_others(Stack(layers), rest, first)


def _cell(parts, reverse):
    w_x, w_h = parts["weight", "ih", reverse].T, parts["weight", "hh", reverse].T
    zeros = jnp.zeros(w_h.shape[1], w_h.dtype)
    b_x, b_h = (parts.get(("bias", side, reverse), zeros) for side in ("ih", "hh"))
    size, gates = len(w_h), w_h.shape[1] / len(w_h)
    if gates == 3:
        return GRUParams(w_x, w_h, b_x + b_h.at[2 * size :].set(0), b_h[2 * size :])
    if gates not in (1, 4):
        raise ValueError(f"from_torch: recurrent weights of {size} x {w_h.shape[1]} are no nn.RNN's, LSTM's or GRU's")
    return (ElmanParams if gates == 1 else LSTMParams)(w_x, w_h, b_x + b_h)


def _with_others(found, rest, first):
    """The stack with the readout and the embedding that the other names of a state dict hold; an embedding is the
    first name, before the recurrent ones."""
    weights = {name: array(value) for name, value in rest.items() if name.endswith("weight")}
    biases = {name: array(value) for name, value in rest.items() if name.endswith("bias")}
    width = found.layers[-1].size * len(found.layers[-1].directions)
    entry = found.layers[0].forward.w_x.shape[0]
    for name, w in weights.items():
        b = biases.pop(name.removesuffix("weight") + "bias", None)
        if w.ndim == 2 and w.shape[1] == width and found.readout is None and name != first:
            found = found._replace(readout=readout(w, b))
        elif w.ndim == 2 and w.shape[1] == entry and b is None and found.embedding is None:
            found = found._replace(embedding=w)
        else:
            raise ValueError(f"from_torch: {name} of shape {w.shape} is no readout and no embedding of these layers")
    others = set(rest) - set(weights) - {name.removesuffix("weight") + "bias" for name in weights}
    if others:
        raise ValueError(f"from_torch: no place for {', '.join(sorted(others))}")
    return found


def readout(weight, bias):
    """`AffineParams` of an `nn.Linear`."""
    w = array(weight).T
    return AffineParams(w, jnp.zeros(w.shape[1], w.dtype) if bias is None else array(bias))


def array(value):
    """A tensor or an array as an array of JAX, of float32 at least."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.dtype.itemsize == 2 and value.is_floating_point() else value
        value = value.numpy()
    value = np.asarray(value)
    return jnp.asarray(value.astype(np.float32) if value.dtype.itemsize == 2 else value)


def settings(stack):
    """(what a stack's `Recurrent` is made with, its state dict as NumPy arrays)."""
    blocks, state = [], {}
    for layer in stack.layers:
        kind = _kind(layer)
        made = {"kind": kind, "input_size": layer.forward.w_x.shape[0], "hidden_size": layer.size, "num_layers": 1}
        made |= {"bidirectional": layer.backward is not None}
        made |= {"nonlinearity": layer.activation} if kind == "RNN" else {}
        same = blocks and {**blocks[-1], "num_layers": 1, "input_size": made["input_size"]} == made
        if same:
            blocks[-1]["num_layers"] += 1
        else:
            blocks.append(made)
        for reverse, direction in enumerate(layer.directions):
            place = f"layers.{len(blocks) - 1}."
            suffix = f"_l{blocks[-1]['num_layers'] - 1}" + ("_reverse" if reverse else "")
            state |= {f"{place}{name}{suffix}": value for name, value in weights_of(direction).items()}
    made = {"blocks": blocks, "output": stack.output, "output_size": None, "vocabulary": None}
    if stack.readout is not None:
        made["output_size"] = int(stack.readout.w.shape[1])
        state |= {"readout.weight": np.array(stack.readout.w).T, "readout.bias": np.array(stack.readout.b)}
    if stack.embedding is not None:
        made["vocabulary"] = len(stack.embedding)
        state["embedding.weight"] = np.array(stack.embedding)
    return made, state


def _kind(layer):
    if layer.backward is not None and layer.merge != "concat":
        raise ValueError(f"PyTorch puts the outputs of two directions side by side; it has no merge={layer.merge}")
    if isinstance(layer.forward, ElmanParams):
        if layer.activation == "linear":
            raise ValueError("PyTorch's nn.RNN has the activations tanh and relu, not linear")
        return "RNN"
    if isinstance(layer.forward, GRUParams):
        if layer.forward.b_hn is None:
            raise ValueError("PyTorch has no GRU that resets before the product (reset=before)")
        return "GRU"
    if isinstance(layer.forward, LSTMParams):
        return "LSTM"
    raise ValueError(f"PyTorch has no {type(layer.forward).__name__.removesuffix('Params')} layer")


def weights_of(params):
    """{name without layer: array} of a cell's params."""
    b_h = np.zeros(params.b.shape, params.b.dtype)
    if isinstance(params, GRUParams):
        b_h[2 * len(params.w_h) :] = params.b_hn
    return {
        "weight_ih": np.array(params.w_x).T,
        "weight_hh": np.array(params.w_h).T,
        "bias_ih": np.array(params.b),
        "bias_hh": b_h,
    }
