"""PyTorch's weights as arrays by their names: a state dict as a `Stack`, and a `Stack` as one; without torch.

There the weights are `[gates * H, in]`, the gates i f g o and r z n, with two biases that are added up: one bias here,
and on the way back the second one is zero, except that of the candidate of a GRU.
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
    """The `Stack` of a state dict, as of `from_torch`."""
    if activation not in ("tanh", "relu"):
        raise ValueError(f"activation={activation}: nn.RNN has tanh and relu")
    found, prefixes = recurrent_layers(state)
    layers = tuple(Layer(*(_cell(state, names) for names in layer), activation=activation) for layer in found)
    recurrent = {name for layer in found for names in layer for name in names.values()}
    return _with_others(Stack(layers), {name: a for name, a in state.items() if name not in recurrent}, prefixes)


def _cell(state, names):
    """The params of a cell from the arrays with these names."""
    arrays = {kind: array(state[name]) for kind, name in names.items()}
    w_x, w_h = arrays["weight_ih"].T, arrays["weight_hh"].T
    size, columns = w_h.shape if w_h.ndim == 2 else (0, 0)
    if not size or columns not in (size, 3 * size, 4 * size):
        raise ValueError(
            f"from_torch: {names['weight_hh']} of shape {tuple(w_h.T.shape)} is not a recurrent weight, [H, H] of an "
            "nn.RNN, [4 H, H] of an nn.LSTM or [3 H, H] of an nn.GRU"
        )
    for kind, a in arrays.items():
        expected = (columns, *({"weight_ih": a.shape[1:2], "weight_hh": (size,)}.get(kind, ())))
        if a.shape != expected:
            raise ValueError(
                f"from_torch: {names[kind]} has the shape {a.shape}; {names['weight_hh']} needs {expected}"
            )
    zeros = jnp.zeros(columns, w_h.dtype)
    b_x, b_h = (arrays.get(kind, zeros) for kind in ("bias_ih", "bias_hh"))
    if columns == 3 * size:
        return GRUParams(w_x, w_h, b_x + b_h.at[2 * size :].set(0), b_h[2 * size :])
    return (ElmanParams if columns == size else LSTMParams)(w_x, w_h, b_x + b_h)


def _with_others(found, rest, prefixes):
    """The stack with the readout and the embedding that the other names of a state dict hold."""
    weights = {name: array(value) for name, value in rest.items() if name.endswith("weight")}
    biases = {bias: name for name in weights if (bias := name.removesuffix("weight") + "bias") in rest}
    if left := sorted(set(rest) - set(weights) - set(biases)):
        raise ValueError(f"from_torch: no place for {', '.join(left)}")
    if not weights:
        return found
    width = found.layers[-1].size * len(found.layers[-1].directions)
    shapes = {name: w.shape for name, w in weights.items()}
    names = others(shapes, set(biases.values()), width, found.layers[0].forward.w_x.shape[0], prefixes)
    if "embedding" in names:
        found = found._replace(embedding=weights[names["embedding"]])
    if "readout" in names:
        bias = rest.get(names["readout"].removesuffix("weight") + "bias")
        found = found._replace(readout=readout(weights[names["readout"]], bias))
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
