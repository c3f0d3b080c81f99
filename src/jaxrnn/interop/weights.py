"""Weights read from and written to PyTorch, Keras and Flax linen, as NumPy arrays; none of them is imported.

| source  | layout there                                                                              |
|---------|-------------------------------------------------------------------------------------------|
| PyTorch | `[gates * H, in]`, gates i f g o and r z n, two biases                                    |
| Keras   | `[in, gates * H]`, gates i f c o and z r h, the GRU with two rows of biases               |
| linen   | a kernel a gate, ii if ig io hi hf hg ho and ir iz in hr hz hn, biases on one of the sides |

The kind of cell is told by the shapes: one, three or four gates. What a framework adds twice (two biases) is summed
on reading and written as one of them, the other zero: the network is the same.
"""

import numpy as np

from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams


def from_torch(state, layer=0, reverse=False):
    """A cell's params from the `state_dict()` of an `nn.RNN`, `nn.LSTM` or `nn.GRU`, its values as NumPy arrays.

    Args:
      state: {name: array}.
      layer: number of the layer.
      reverse: the backward direction of a bidirectional module.

    Returns:
      `ElmanParams`, `LSTMParams` or `GRUParams`.

    Raises:
      KeyError: if the module has no such layer, direction or biases.
      ValueError: if it is none of the three.
    """
    suffix = f"l{layer}_reverse" if reverse else f"l{layer}"
    w_x, w_h, b_x, b_h = (
        np.asarray(state[f"{name}_{suffix}"]) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    w_x, w_h = w_x.T, w_h.T
    gates = _gates(w_h)
    if gates == 3:
        split = 2 * w_h.shape[0]
        return GRUParams(w_x, w_h, b_x + np.where(np.arange(len(b_h)) < split, b_h, 0), b_h[split:])
    return (ElmanParams if gates == 1 else LSTMParams)(w_x, w_h, b_x + b_h)


def to_torch(params, layer=0, reverse=False):
    """The reverse of `from_torch`: {name: array}, for `load_state_dict` of a module of one layer and direction.

    Raises:
      ValueError: if PyTorch has no such cell (a GRU that resets before the product).
    """
    suffix = f"l{layer}_reverse" if reverse else f"l{layer}"
    b_h = np.zeros_like(params.b)
    if isinstance(params, GRUParams):
        b_h[2 * len(params.w_h) :] = _recurrent_bias(params, "PyTorch")
    return {
        f"weight_ih_{suffix}": np.asarray(params.w_x).T,
        f"weight_hh_{suffix}": np.asarray(params.w_h).T,
        f"bias_ih_{suffix}": np.asarray(params.b),
        f"bias_hh_{suffix}": b_h,
    }


def from_keras(weights):
    """A cell's params from `get_weights()` of a Keras SimpleRNN, LSTM or GRU with biases: [kernel, recurrent, bias].

    Raises:
      ValueError: if it is none of the three.
    """
    w_x, w_h, b = (np.asarray(w) for w in weights)
    gates = _gates(w_h)
    if gates != 3:
        return (ElmanParams if gates == 1 else LSTMParams)(w_x, w_h, b)
    w_x, w_h, b = (_swap_r_z(a) for a in (w_x, w_h, b))
    if b.ndim == 1:
        return GRUParams(w_x, w_h, b, None)
    split = 2 * len(w_h)
    return GRUParams(w_x, w_h, b[0] + np.where(np.arange(len(b[1])) < split, b[1], 0), b[1, split:])


def to_keras(params):
    """The reverse of `from_keras`, for `set_weights`; a GRU fits `reset_after` if and only if it has b_hn."""
    w_x, w_h, b = (np.asarray(a) for a in params[:3])
    if not isinstance(params, GRUParams):
        return [w_x, w_h, b]
    if params.b_hn is not None:
        b = np.stack([b, np.concatenate([np.zeros(2 * len(w_h), b.dtype), params.b_hn])])
    return [_swap_r_z(a) for a in (w_x, w_h, b)]


def from_flax(params):
    """A cell's params from those of a linen SimpleCell, LSTMCell or GRUCell: {name: {"kernel", "bias"}}.

    Raises:
      ValueError: if it is none of the three.
    """

    def join(names, part):
        size = next(iter(params.values()))["kernel"].shape[1]
        return np.concatenate([np.asarray(params[name].get(part, np.zeros(size))) for name in names], axis=-1)

    if "ii" in params:
        inputs, hidden = ("ii", "if", "ig", "io"), ("hi", "hf", "hg", "ho")
        return LSTMParams(join(inputs, "kernel"), join(hidden, "kernel"), join(hidden, "bias"))
    if "in" in params:
        inputs, hidden = ("ir", "iz", "in"), ("hr", "hz", "hn")
        return GRUParams(
            join(inputs, "kernel"), join(hidden, "kernel"), join(inputs, "bias"), np.asarray(params["hn"]["bias"])
        )
    if set(params) == {"i", "h"}:
        return ElmanParams(join("i", "kernel"), join("h", "kernel"), join("i", "bias"))
    raise ValueError(f"no linen SimpleCell, LSTMCell or GRUCell has the parts {', '.join(params)}")


def to_flax(params):
    """The reverse of `from_flax`."""
    size = params.w_h.shape[0]
    if isinstance(params, ElmanParams):
        return {"i": {"kernel": params.w_x, "bias": params.b}, "h": {"kernel": params.w_h}}
    names, bias_side = ("ifgo", "h") if isinstance(params, LSTMParams) else ("rzn", "i")
    parts = {}
    for place, gate in enumerate(names):
        columns = slice(place * size, (place + 1) * size)
        parts[f"i{gate}"] = {"kernel": params.w_x[:, columns]}
        parts[f"h{gate}"] = {"kernel": params.w_h[:, columns]}
        parts[f"{bias_side}{gate}"]["bias"] = params.b[columns]
    if isinstance(params, GRUParams):
        parts["hn"]["bias"] = _recurrent_bias(params, "linen")
    return parts


def _gates(w_h):
    size, columns = w_h.shape
    gates = columns / size
    if gates not in (1, 3, 4):
        raise ValueError(f"recurrent weights of {size} x {columns} belong to no simple RNN, GRU or LSTM")
    return gates


def _swap_r_z(a):
    first, second, candidate = np.split(a, 3, axis=-1)
    return np.concatenate([second, first, candidate], axis=-1)


def _recurrent_bias(params, framework):
    if params.b_hn is None:
        raise ValueError(f"{framework} has no GRU that resets before the product")
    return np.asarray(params.b_hn)
