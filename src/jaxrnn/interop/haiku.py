"""Converts Haiku's recurrent cores to nets, and nets to Haiku functions. Only `to_haiku` imports Haiku.

Haiku's cores differ from jaxrnn's cells in these points:

- An LSTM has one matrix for [x_t, h_{t-1}] with the gates i g f o, and adds 1 to the forget gate's bias.
- A GRU has the gates z r a. Its z weights the candidate (ours weights the old state), and r acts before the product.
- A VanillaRNN uses relu.
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.interop import _stack
from jaxrnn.interop._names import in_order
from jaxrnn.interop._stack import Layer, Stack
from jaxrnn.nets.combine import MERGES
from jaxrnn.nets.layers import AffineParams
from jaxrnn.types import Net, Params


def from_haiku(params: dict[str, Any], layers: Sequence[str | tuple[str, str]] | None = None) -> tuple[Net, Params]:
    """Converts the params of a Haiku function to a net and its params.

        net, params = jaxrnn.interop.from_haiku(params, ["lstm", "lstm_1"])

    Args:
      params: {module's name: {"w": ..., ...}} of LSTM, GRU and VanillaRNN cores, with at most one Embed before and one
        Linear after them.
      layers: the cores' names in the order in which they run. A pair of names stands for the forward and the backward
        direction of one layer, whose outputs are concatenated. None is enough for one core, or for several that Haiku
        numbered itself, such as lstm, lstm_1. The order of the dict is not used, because JAX sorts it.

    Returns:
      (`Net`, params), time-major.

    Raises:
      ValueError: if a module has no counterpart in jaxrnn (the message names it), or if `layers` is required.
    """
    if not hasattr(params, "items"):
        raise ValueError(f"from_haiku: expected the params of a Haiku function, a dict, got a {type(params).__name__}")
    cores = _cores(params)
    parents = {name.rpartition("/")[0] for name in cores}  # a module that contains a core is not a core itself
    cores = {name: core for name, core in cores.items() if name not in parents}
    layers = in_order(cores) if layers is None else layers
    if layers is None:
        raise ValueError(
            f"from_haiku: the order of the cores is unknown; give the names in order, layers={sorted(cores)}"
        )
    names_by_layer = [(layer,) if isinstance(layer, str) else tuple(layer) for layer in layers]
    if sorted(name for pair in names_by_layer for name in pair) != sorted(cores):
        raise ValueError(
            f"from_haiku: layers={names_by_layer} must contain each core once: {', '.join(cores) or 'none'}"
        )
    stack = Stack(tuple(_layer([cores[name][0] for name in pair]) for pair in names_by_layer))
    recurrent = {part for _, parts in cores.values() for part in parts}
    for name in params:
        arrays = {part: jnp.asarray(value) for part, value in params[name].items()}
        if name in recurrent:
            continue
        if set(arrays) == {"embeddings"} and stack.embedding is None:
            stack = stack._replace(embedding=arrays["embeddings"])
        elif "w" in arrays and set(arrays) <= {"w", "b"} and stack.readout is None:
            w = arrays["w"]
            stack = stack._replace(readout=AffineParams(w, arrays.get("b", jnp.zeros(w.shape[1], w.dtype))))
        else:
            raise ValueError(
                f"from_haiku: unexpected {name} with {', '.join(arrays)}: expected at most one Embed, then LSTM, GRU "
                "or VanillaRNN cores, then at most one Linear"
            )
    return _stack.net(stack)


def _layer(cells):
    return Layer(*cells, activation="relu" if isinstance(cells[0], ElmanParams) else "tanh")


def _cores(params):
    """Finds the cores, as {name of the core: (params of the cell, names of its modules)}."""
    cores = {}
    for name in params:
        arrays = {part: jnp.asarray(value) for part, value in params[name].items()}
        parent, _, last = name.rpartition("/")
        second = params.get(f"{parent}/linear_1")
        if set(arrays) == {"w_i", "w_h", "b"}:
            cores[name] = _gru(arrays["w_i"], arrays["w_h"], arrays["b"]), [name]
        elif last == "linear" and second is not None and second["w"].shape == (arrays["w"].shape[1],) * 2:
            w_h = jnp.asarray(second["w"])
            b = arrays["b"] + jnp.asarray(second.get("b", jnp.zeros(len(w_h), w_h.dtype)))
            cores[parent] = ElmanParams(arrays["w"], w_h, b), [name, f"{parent}/linear_1"]
        elif (
            last == "linear"
            and parent
            and "b" in arrays
            and arrays["w"].shape[1] % 4 == 0
            and arrays["w"].shape[0] > arrays["w"].shape[1] // 4
        ):
            cores[parent] = _lstm(arrays["w"], arrays["b"]), [name]
    if not cores:
        raise ValueError("from_haiku: the params contain no LSTM, GRU or VanillaRNN")
    return cores


def _lstm(w, b):
    size = len(b) // 4

    def ordered(a):
        i, g, f, o = jnp.split(a, 4, axis=-1)
        return jnp.concatenate([i, f, g, o], axis=-1)

    w, b = ordered(w), ordered(b).at[size : 2 * size].add(1)
    return LSTMParams(w[:-size], w[-size:], b)


def _gru(w_x, w_h, b):
    def ordered(a):
        z, r, n = jnp.split(a, 3, axis=-1)
        return jnp.concatenate([r, -z, n], axis=-1)

    return GRUParams(ordered(w_x), ordered(w_h), ordered(b), None)


def to_haiku(net: Net, params: Params) -> tuple[Any, dict[str, Any]]:
    """Converts a net to a Haiku function that computes the same outputs, and its params.

    Args:
      net: a `Net` of recurrent layers. It may start with an embedding or one-hot symbols and end with a readout.
      params: its params. Dropout, noise and the random part of zoneout act only in training and are left out.

    Returns:
      (`hk.Transformed`, params). `transformed.apply(params, None, xs)` maps xs [T, B, D], or symbols [T, B], to ys
      [T, B, K]. The cores are named layer_0_forward_lstm, layer_0_backward_lstm and so on.

    Raises:
      ValueError: if Haiku has no core for a part of the net. The message names the part.
      ImportError: if Haiku is not installed.
    """
    import haiku as hk

    stack = _stack.stack(net, params, "Haiku")
    if stack.output != "every":
        raise ValueError(
            "Haiku has no core with one output per sequence; export a net with all outputs and select the last one"
        )
    for layer in stack.layers:
        _require_supported(layer)

    def function(xs):
        if stack.embedding is not None:
            xs = hk.Embed(*stack.embedding.shape)(xs)
        for number, layer in enumerate(stack.layers):
            outputs = []
            for backwards, direction in enumerate(layer.directions):
                core = _make_core(hk, direction, _name(number, backwards, direction))
                ys, _ = hk.dynamic_unroll(core, xs[::-1] if backwards else xs, core.initial_state(xs.shape[1]))
                outputs.append(ys[::-1] if backwards else ys)
            xs = outputs[0] if len(outputs) == 1 else MERGES[layer.merge](*outputs)
        return xs if stack.readout is None else hk.Linear(stack.readout.w.shape[1])(xs)

    return hk.transform(function), arrays_of(stack)


def _require_supported(layer):
    if isinstance(layer.forward, ElmanParams) and layer.activation != "relu":
        raise ValueError(f"Haiku's VanillaRNN uses relu: expected the activation relu, found {layer.activation}")
    if isinstance(layer.forward, GRUParams) and layer.forward.b_hn is not None:
        raise ValueError("Haiku's GRU uses reset=before: expected reset=before, found reset=after")
    if not isinstance(layer.forward, ElmanParams | GRUParams | LSTMParams):
        raise ValueError(f"Haiku has no {type(layer.forward).__name__.removesuffix('Params')} core")


def _make_core(hk, params, name):
    kind = {ElmanParams: hk.VanillaRNN, GRUParams: hk.GRU, LSTMParams: hk.LSTM}[type(params)]
    return kind(params.w_h.shape[0], name=name)


def _name(number, backwards, params):
    kind = type(params).__name__.removesuffix("Params").lower().replace("elman", "vanilla_rnn")
    return f"layer_{number}_{'backward' if backwards else 'forward'}_{kind}"


def arrays_of(stack):
    """Converts a stack to Haiku's {module: {name: array}}."""
    params = {}
    if stack.embedding is not None:
        params["embed"] = {"embeddings": stack.embedding}
    for number, layer in enumerate(stack.layers):
        for backwards, direction in enumerate(layer.directions):
            params |= _params_of_core(direction, _name(number, backwards, direction))
    if stack.readout is not None:
        params["linear"] = {"w": stack.readout.w, "b": stack.readout.b}
    return params


def _params_of_core(params, name):
    if isinstance(params, ElmanParams):
        return {
            f"{name}/linear": {"w": params.w_x, "b": params.b},
            f"{name}/linear_1": {"w": params.w_h, "b": jnp.zeros_like(params.b)},
        }
    if isinstance(params, GRUParams):
        r_z_n = [jnp.split(a, 3, axis=-1) for a in params[:3]]
        return {
            name: {
                part: jnp.concatenate([-z, r, n], axis=-1)
                for part, (r, z, n) in zip(("w_i", "w_h", "b"), r_z_n, strict=True)
            }
        }
    size = params.w_h.shape[0]
    w, b = jnp.concatenate([params.w_x, params.w_h]), params.b.at[size : 2 * size].add(-1)
    (i, f, g, o), (b_i, b_f, b_g, b_o) = jnp.split(w, 4, axis=-1), jnp.split(b, 4)
    return {
        f"{name}/linear": {
            "w": jnp.concatenate([i, g, f, o], axis=-1),
            "b": jnp.concatenate([b_i, b_g, b_f, b_o]),
        }
    }
