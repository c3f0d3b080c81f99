"""Haiku's recurrent cores as nets, and nets as Haiku functions. Haiku is imported by `to_haiku` alone.

There an LSTM has one matrix for [x_t, h_{t-1}], the gates i g f o, and adds 1 to f; a GRU has the gates z r a, where z
is how much is new, and resets before the product; a VanillaRNN is a relu network.
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
    """The net of a Haiku function's params, and its params here.

        net, params = jaxrnn.interop.from_haiku(params, ["lstm", "lstm_1"])

    Args:
      params: {module's name: {"w": ..., ...}} of cores LSTM, GRU and VanillaRNN, and perhaps of one Embed before them
        and one Linear after them.
      layers: the cores' names in the order in which they follow on each other; a pair of names for the forward and the
        backward direction of one layer, their outputs side by side. None where there is one core, or several that
        Haiku numbered itself, such as lstm, lstm_1. The order of the dict says nothing: JAX sorts it.

    Returns:
      (`Net`, params), time-major.

    Raises:
      ValueError: for what has no counterpart here, by its name, or if the order has to be given.
    """
    if not hasattr(params, "items"):
        raise ValueError(f"from_haiku: give the params of a Haiku function, a dict, not a {type(params).__name__}")
    cores = _cores(params)
    inner = {name.rpartition("/")[0] for name in cores}  # a module around a core is none, whatever its own Linear
    cores = {name: core for name, core in cores.items() if name not in inner}
    layers = in_order(cores) if layers is None else layers
    if layers is None:
        raise ValueError(f"from_haiku: give the order of the cores, layers={sorted(cores)}")
    named = [(layer,) if isinstance(layer, str) else tuple(layer) for layer in layers]
    if sorted(name for pair in named for name in pair) != sorted(cores):
        raise ValueError(f"from_haiku: layers names {named}, but the cores are {', '.join(cores) or 'none'}")
    found = Stack(tuple(_layer([cores[name][0] for name in pair]) for pair in named))
    taken = {part for _, parts in cores.values() for part in parts}
    for name in params:
        own = {part: jnp.asarray(value) for part, value in params[name].items()}
        if name in taken:
            continue
        if set(own) == {"embeddings"} and found.embedding is None:
            found = found._replace(embedding=own["embeddings"])
        elif "w" in own and set(own) <= {"w", "b"} and found.readout is None:
            w = own["w"]
            found = found._replace(readout=AffineParams(w, own.get("b", jnp.zeros(w.shape[1], w.dtype))))
        else:
            raise ValueError(
                f"from_haiku: no place for {name} with {', '.join(own)}; one Embed, LSTM, GRU, VanillaRNN and one "
                "Linear are read"
            )
    return _stack.net(found)


def _layer(cells):
    return Layer(*cells, activation="relu" if isinstance(cells[0], ElmanParams) else "tanh")


def _cores(params):
    """{core's name: (params of the cell, names of its parts)}."""
    found = {}
    for name in params:
        own = {part: jnp.asarray(value) for part, value in params[name].items()}
        parent, _, last = name.rpartition("/")
        second = params.get(f"{parent}/linear_1")
        if set(own) == {"w_i", "w_h", "b"}:
            found[name] = _gru(own["w_i"], own["w_h"], own["b"]), [name]
        elif last == "linear" and second is not None and second["w"].shape == (own["w"].shape[1],) * 2:
            w_h = jnp.asarray(second["w"])
            b = own["b"] + jnp.asarray(second.get("b", jnp.zeros(len(w_h), w_h.dtype)))
            found[parent] = ElmanParams(own["w"], w_h, b), [name, f"{parent}/linear_1"]
        elif (
            last == "linear"
            and parent
            and "b" in own
            and own["w"].shape[1] % 4 == 0
            and own["w"].shape[0] > own["w"].shape[1] // 4
        ):
            found[parent] = _lstm(own["w"], own["b"]), [name]
    if not found:
        raise ValueError("from_haiku: no LSTM, GRU or VanillaRNN among the params")
    return found


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
    """The Haiku function that computes what a net computes, and its params.

    Args:
      net: a `Net` of recurrent layers, perhaps with an embedding or one-hot symbols before and a readout after them.
      params: its params. Dropout, zoneout's draws and noise, which act in training alone, are left out.

    Returns:
      (`hk.Transformed`, params); `transformed.apply(params, None, xs)` with xs [T, B, D], or symbols [T, B], gives ys
      [T, B, K]. The cores are named layer_0_forward_lstm, layer_0_backward_lstm and so on.

    Raises:
      ValueError: for what Haiku has no core for, by its name.
      ImportError: without Haiku.
    """
    import haiku as hk

    stack = _stack.stack(net, params, "Haiku")
    if stack.output != "every":
        raise ValueError("Haiku has no core that gives the last output alone; take it from those of the whole net")
    for layer in stack.layers:
        _require(layer)

    def function(xs):
        if stack.embedding is not None:
            xs = hk.Embed(*stack.embedding.shape)(xs)
        for number, layer in enumerate(stack.layers):
            ways = []
            for backwards, direction in enumerate(layer.directions):
                core = _make(hk, direction, _name(number, backwards, direction))
                ys, _ = hk.dynamic_unroll(core, xs[::-1] if backwards else xs, core.initial_state(xs.shape[1]))
                ways.append(ys[::-1] if backwards else ys)
            xs = ways[0] if len(ways) == 1 else MERGES[layer.merge](*ways)
        return xs if stack.readout is None else hk.Linear(stack.readout.w.shape[1])(xs)

    return hk.transform(function), arrays_of(stack)


def _require(layer):
    if isinstance(layer.forward, ElmanParams) and layer.activation != "relu":
        raise ValueError(f"Haiku's VanillaRNN is a relu network; this one has the activation {layer.activation}")
    if isinstance(layer.forward, GRUParams) and layer.forward.b_hn is not None:
        raise ValueError("Haiku's GRU resets before the product (reset=before); this one does after it")
    if not isinstance(layer.forward, ElmanParams | GRUParams | LSTMParams):
        raise ValueError(f"Haiku has no {type(layer.forward).__name__.removesuffix('Params')} core")


def _make(hk, params, name):
    kind = {ElmanParams: hk.VanillaRNN, GRUParams: hk.GRU, LSTMParams: hk.LSTM}[type(params)]
    return kind(params.w_h.shape[0], name=name)


def _name(number, backwards, params):
    kind = type(params).__name__.removesuffix("Params").lower().replace("elman", "vanilla_rnn")
    return f"layer_{number}_{'backward' if backwards else 'forward'}_{kind}"


def arrays_of(stack):
    """{module: {part: array}} of a stack, as Haiku names its arrays."""
    found = {}
    if stack.embedding is not None:
        found["embed"] = {"embeddings": stack.embedding}
    for number, layer in enumerate(stack.layers):
        for backwards, direction in enumerate(layer.directions):
            found |= _params_of_core(direction, _name(number, backwards, direction))
    if stack.readout is not None:
        found["linear"] = {"w": stack.readout.w, "b": stack.readout.b}
    return found


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
