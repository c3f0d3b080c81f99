"""Converts Flax linen's recurrent layers to nets, and nets to linen modules.

In linen every gate has its own input kernel and recurrent kernel, such as ii and hi, and a bias in only one of the two.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp

from jaxrnn.interop import _flax
from jaxrnn.interop._library import Library, exported, modules_of, net_of_parts
from jaxrnn.interop._weights import Format
from jaxrnn.types import Net, Params

ARRAYS = (*_flax.PER_GATE, "i{gate}/bias", "hn/bias")
LIBRARY = Library(
    name="linen",
    reader="from_linen",
    expected=_flax.EXPECTED.format("Dense"),
    cells=(
        Format("LSTM", ("OptimizedLSTMCell", "LSTMCell"), *_flax.PER_GATE, "h{gate}/bias"),
        Format("GRU", ("GRUCell",), *ARRAYS, candidate_only=True, variants=("after",)),
        Format("MGU", ("MGUCell",), *ARRAYS, candidate_only=True),
        Format("Elman", ("SimpleCell",), "i/kernel", "h/kernel", "i/bias"),
    ),
    embedding=("Embed", "embedding"),
    readout=("Dense", "kernel", "bias"),
)


def from_linen(module: Any, variables: Any) -> tuple[Net, Params]:
    """Converts a linen module to a net and its params.

    Args:
      module: one of the following, or a list of modules in order:

        - a cell: SimpleCell, LSTMCell, OptimizedLSTMCell, GRUCell or MGUCell;
        - an `nn.RNN` of a cell;
        - an `nn.Bidirectional` of two `nn.RNN`s;
        - an `nn.Sequential` of an optional `nn.Embed`, such layers and an optional `nn.Dense`.
      variables: the result of the module's `init`, with or without the level "params". For a list of modules, a list.

    Returns:
      (`Net`, params). The net is time-major for any value of the module's `time_major`.

    Raises:
      ValueError: if a part has no counterpart in jaxrnn, such as a cell that computes something different. The message
        names the part.
    """
    source = type(module).__name__
    if not isinstance(module, list | tuple):
        module, variables = [module], [variables]
    if not isinstance(variables, list | tuple) or not all(isinstance(v, Mapping) for v in variables):
        raise ValueError(f"from_linen: expected the variables of each module, a dict, got a {type(variables).__name__}")
    if len(module) != len(variables):
        raise ValueError(f"from_linen: expected variables for {len(module)} modules, found {len(variables)}")
    modules = [pair for m, v in zip(module, variables, strict=True) for pair in _listed(m, v.get("params", v))]
    parts = [_flax.part(LIBRARY, m, _flax.flat(arrays)) for m, arrays in modules]
    return net_of_parts(LIBRARY, parts, partial(_run, modules), source)


def _listed(module, params):
    """Lists (module, params). A Sequential becomes one pair per layer."""
    if type(module).__name__ != "Sequential":
        return [(module, params)]
    return [pair for i, layer in enumerate(module.layers) for pair in _listed(layer, params.get(f"layers_{i}", {}))]


def _run(modules, xs):
    """Runs the modules in order with their params."""
    from flax import linen as nn

    hs = jnp.asarray(xs)
    for module, params in modules:
        module = module.clone(parent=None)
        if isinstance(module, nn.RNNCellBase):
            module, params = nn.RNN(module), {"cell": params}
        hs = _flax.run(partial(module.apply, {"params": params}), module, hs)
    return hs


def to_linen(net: Net, params: Params) -> tuple[Any, dict[str, Any]]:
    """Converts a net to a linen module that computes the same outputs. Arguments and errors: see `jaxrnn.interop`.

    Returns:
      (`nn.Sequential` of `nn.RNN`, `nn.Bidirectional`, `nn.Embed` and `nn.Dense`, {"params": ...}). The module is
      batch-major: xs [B, T, D], or symbols [B, T], -> ys [B, T, K].
    """
    from flax import linen as nn
    from flax.traverse_util import unflatten_dict

    def make(spec):
        module = getattr(nn, spec.module)(*spec.inferred_sizes, **_flax.options_of(spec))
        return module, unflatten_dict(spec.arrays, sep="/")

    def recurrent(layer, pairs):
        cells, arrays = zip(*pairs, strict=True)
        module = _flax.recurrent(nn, layer, cells)
        if len(cells) == 1:
            return module, {"cell": arrays[0]}
        return module, {"forward_rnn": {"cell": arrays[0]}, "backward_rnn": {"cell": arrays[1]}}

    modules, arrays = zip(*modules_of(LIBRARY, exported(LIBRARY, net, params), make, recurrent), strict=True)
    return nn.Sequential(list(modules)), {"params": {f"layers_{i}": a for i, a in enumerate(arrays)}}


def source_of(net: Net, params: Params) -> str:
    """Returns a Python file that defines `model`, the module of a net, and loads `variables` from model.msgpack."""
    activations = {"relu": ", activation_fn=nn.relu", "linear": ", activation_fn=lambda a: a"}
    merges = {"sum": "lambda a, b: a + b", "mul": "lambda a, b: a * b", "ave": "lambda a, b: (a + b) / 2"}

    def make(spec):
        return f"nn.{spec.module}({', '.join(map(str, spec.inferred_sizes))}{activations.get(spec.activation, '')})"

    def recurrent(layer, cells):
        rnns = ", ".join(f"nn.RNN({cell})" for cell in cells)
        merge = f", merge_fn={merges[layer.merge]}" if layer.merge in merges else ""
        return rnns if len(cells) == 1 else f"nn.Bidirectional({rnns}{merge})"

    modules = modules_of(LIBRARY, exported(LIBRARY, net, params), make, recurrent)
    layers = "".join(f"        {module},\n" for module in modules)
    return f'''"""Flax linen module of recurrent layers and its variables. Batch-major: [B, T, D] -> [B, T, K]."""

from pathlib import Path

from flax import linen as nn
from flax.serialization import msgpack_restore

model = nn.Sequential(
    [
{layers}    ]
)
variables = msgpack_restore(Path(__file__).with_name("model.msgpack").read_bytes())
'''
