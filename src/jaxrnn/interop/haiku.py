"""Converts Haiku's recurrent cores to nets, and nets to Haiku functions. Only `to_haiku` imports Haiku.

A Haiku LSTM has one matrix for [x_t, h_{t-1}]. The update gate z of a Haiku GRU weights the candidate, while ours
weights the old state: 1 - sigmoid(a) = sigmoid(-a), so its weights have the opposite sign.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from jaxrnn.interop._library import Library, Part, exported, layer_of, part_of, specs_of, stack_of_parts
from jaxrnn.interop._names import in_order
from jaxrnn.interop._stack import net_of
from jaxrnn.interop._weights import Format
from jaxrnn.nets.combine import MERGES
from jaxrnn.types import Net, Params

ELMAN = Format("Elman", ("VanillaRNN",), "linear/w", "linear_1/w", b_x="linear/b", b_h="linear_1/b", variants=("relu",))
LSTM = Format("LSTM", ("LSTM",), "linear/w", "linear/w", b_x="linear/b", gates="igfo", forget_bias=1.0)
GRU = Format("GRU", ("GRU",), "w_i", "w_h", b_x="b", gates="zrn", negated="z", variants=("before",))
LIBRARY = Library(
    name="Haiku",
    reader="from_haiku",
    expected="at most one Embed, then LSTM, GRU or VanillaRNN cores, then at most one Linear",
    cells=(ELMAN, LSTM, GRU),
    embedding=("Embed", "embeddings"),
    readout=("Linear", "w", "b"),
)
CORE_NAMES = {"VanillaRNN": "vanilla_rnn", "LSTM": "lstm", "GRU": "gru"}


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
    if not isinstance(params, Mapping) or not all(isinstance(arrays, Mapping) for arrays in params.values()):
        raise ValueError(f"from_haiku: expected the params of a Haiku function, a dict, got a {type(params).__name__}")
    cores = _cores(params)
    layers = in_order(cores) if layers is None else layers
    if layers is None:
        raise ValueError(
            f"from_haiku: the order of the cores is unknown; give the names in order, layers={sorted(cores)}"
        )
    names_by_layer = [(layer,) if isinstance(layer, str) else tuple(layer) for layer in layers]
    if sorted(name for names in names_by_layer for name in names) != sorted(cores) or max(map(len, names_by_layer)) > 2:
        raise ValueError(
            f"from_haiku: layers={names_by_layer} must contain each core once: {', '.join(cores) or 'none'}"
        )
    recurrent = []
    for names in names_by_layer:
        directions = [_part_of_core(params, name, cores[name]) for name in names]
        recurrent.append(layer_of(LIBRARY, directions))
    modules = {module for core, layout in cores.items() for module in _modules(core, layout)}
    others = [_part(name, arrays) for name, arrays in params.items() if name not in modules]
    others.sort(key=lambda part: part.role != "embedding")
    first = sum(part.role == "embedding" for part in others)
    return net_of(stack_of_parts(LIBRARY, [*others[:first], *recurrent, *others[first:]]))


def _cores(params):
    """Finds the cores among the modules, as {name of the core: `Format`}. Haiku's params do not contain the classes."""
    cores = {}
    for name, arrays in params.items():
        parent, _, last = name.rpartition("/")
        rows, columns = _shape(arrays)
        if set(arrays) == {"w_i", "w_h", "b"}:
            cores[name] = GRU
        elif last == "linear" and columns and _shape(params.get(f"{parent}/linear_1", {})) == (columns, columns):
            cores[parent] = ELMAN
        elif last == "linear" and parent and "b" in arrays and columns % 4 == 0 and rows > columns // 4:
            cores[parent] = LSTM
    if not cores:
        raise ValueError("from_haiku: the params contain no LSTM, GRU or VanillaRNN")
    parents = {name.rpartition("/")[0] for name in cores}  # a module that contains a core is not a core itself
    return {name: layout for name, layout in cores.items() if name not in parents}


def _shape(arrays):
    """Rows and columns of a module's weight; zeros if it has no matrix."""
    return np.shape(arrays.get("w")) if np.ndim(arrays.get("w")) == 2 else (0, 0)


def _modules(core, layout):
    """Names of a core's modules."""
    return {f"{core}/{name}".rpartition("/")[0] for name in (layout.w_x, layout.w_h)}


def _part_of_core(params, core, layout):
    modules = _modules(core, layout)
    arrays = {f"{module}/{name}": a for module in modules for name, a in params[module].items()}
    arrays = {path.removeprefix(f"{core}/"): a for path, a in arrays.items()}
    return part_of(LIBRARY, layout.modules[0], arrays, activation="relu")


def _part(name, arrays):
    if set(arrays) == {"embeddings"}:
        return part_of(LIBRARY, "Embed", arrays)
    is_linear = "w" in arrays and set(arrays) <= {"w", "b"}
    return part_of(LIBRARY, "Linear", arrays) if is_linear else Part(f"{name} with {', '.join(arrays)}")


def to_haiku(net: Net, params: Params) -> tuple[Any, dict[str, Any]]:
    """Converts a net to a Haiku function that computes the same outputs, and its params.

    Arguments and errors: see `jaxrnn.interop`.

    Returns:
      (`hk.Transformed`, params). `transformed.apply(params, None, xs)` maps xs [T, B, D], or symbols [T, B], to ys
      [T, B, K]. The cores are named layer_0_forward_lstm, layer_0_backward_lstm and so on.
    """
    hk = import_module("haiku")  # pyright takes `import haiku` for this file where Haiku is not installed

    stack = exported(LIBRARY, net, params)
    cores = cores_of(stack)

    def function(xs):
        if stack.embedding is not None:
            xs = hk.Embed(*stack.embedding.shape)(xs)
        for layer, directions in zip(stack.layers, cores, strict=True):
            outputs = []
            for step, (name, spec) in zip((1, -1), directions.items(), strict=False):
                core = getattr(hk, spec.module)(layer.size, name=name)
                ys, _ = hk.dynamic_unroll(core, xs[::step], core.initial_state(xs.shape[1]))
                outputs.append(ys[::step])
            xs = outputs[0] if len(outputs) == 1 else MERGES[layer.merge](*outputs)
        return xs if stack.readout is None else hk.Linear(stack.readout.w.shape[1])(xs)

    return hk.transform(function), arrays_of_stack(stack)


def cores_of(stack):
    """Lists {name of the core: `Spec`} of each layer."""
    return [
        {
            f"layer_{number}_{direction}_{CORE_NAMES[spec.module]}": spec
            for direction, spec in zip(("forward", "backward"), specs_of(LIBRARY, layer), strict=False)
        }
        for number, layer in enumerate(stack.layers)
    ]


def arrays_of_stack(stack):
    """Converts a stack to Haiku's {module: {name: array}}."""
    params = {} if stack.embedding is None else {"embed": {"embeddings": stack.embedding}}
    for core, spec in (item for cores in cores_of(stack) for item in cores.items()):
        for path, a in spec.arrays.items():
            module, _, name = f"{core}/{path}".rpartition("/")
            params.setdefault(module, {})[name] = a
    if stack.readout is not None:
        params["linear"] = {"w": stack.readout.w, "b": stack.readout.b}
    return params
