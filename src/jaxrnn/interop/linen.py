"""Converts Flax linen's recurrent layers to nets, and nets to linen modules.

In linen every gate has its own input kernel and recurrent kernel, such as ii and hi, and a bias in only one of the two:

- LSTM: ii if ig io, hi hf hg ho
- GRU: ir iz in, hr hz hn
- MGU: if in, hf hn
- SimpleCell: i, h
"""

from typing import Any

import jax.numpy as jnp

from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.cells.mgu import MGUParams
from jaxrnn.cells.step import ACTIVATIONS
from jaxrnn.interop import _flax, _stack
from jaxrnn.interop._stack import Layer, Stack
from jaxrnn.interop._verification import verified
from jaxrnn.nets.combine import MERGES
from jaxrnn.nets.layers import AffineParams
from jaxrnn.types import Net, Params

KINDS = {
    "LSTMCell": LSTMParams,
    "OptimizedLSTMCell": LSTMParams,
    "GRUCell": GRUParams,
    "MGUCell": MGUParams,
    "SimpleCell": ElmanParams,
}
WRITTEN = {LSTMParams: "OptimizedLSTMCell", GRUParams: "GRUCell", MGUParams: "MGUCell"}


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
    name = f"from_linen: {type(module).__name__}"
    if not isinstance(module, list | tuple):
        module, variables = [module], [variables]
    parts = [_listed(m, v.get("params", v)) for m, v in zip(module, variables, strict=True)]
    pairs = [pair for part in parts for pair in part]
    stack = _stack_of_modules(pairs)
    return _stack.net(verified(stack, lambda xs: _run(pairs, stack, xs), name))


def _run(pairs, stack, xs):
    """Runs the modules in order with their params."""
    from flax import linen as nn

    hs = jnp.asarray(xs[..., 0] if stack.embedding is not None else xs)
    for module, params in pairs:
        module = module.clone(parent=None)
        if _name(module) in KINDS:
            module, params = nn.RNN(module), {"cell": params}
        recurrent = _name(module) in ("RNN", "Bidirectional")
        options = {"time_major": True, "return_carry": False} if recurrent else {}
        hs = module.apply({"params": params}, hs, **options)
    return hs


def _listed(module, params):
    """Lists (module, params). A Sequential becomes one pair per layer."""
    if _name(module) != "Sequential":
        return [(module, params)]
    return [pair for i, layer in enumerate(module.layers) for pair in _listed(layer, params.get(f"layers_{i}", {}))]


def _name(module):
    return type(module).__name__


def _stack_of_modules(pairs):
    stack = Stack(())
    for module, params in pairs:
        name = _name(module)
        if name in ("RNN", "Bidirectional", *KINDS) and stack.readout is None:
            stack = stack._replace(layers=(*stack.layers, _layer(module, params)))
        elif name == "Dense" and stack.layers and stack.readout is None:
            w = jnp.asarray(params["kernel"])
            b = jnp.asarray(params.get("bias", jnp.zeros(w.shape[1], w.dtype)))
            stack = stack._replace(readout=AffineParams(w, b))
        elif name == "Embed" and not stack.layers:
            stack = stack._replace(embedding=jnp.asarray(params["embedding"]))
        else:
            raise ValueError(
                f"from_linen: unexpected {name}: expected an Embed, then RNN or Bidirectional layers, then one Dense"
            )
    if not stack.layers:
        raise ValueError("from_linen: the modules contain no recurrent layer")
    return stack


def _layer(module, params):
    if _name(module) == "Bidirectional":
        directions = [_layer(getattr(module, name), params[name]) for name in ("forward_rnn", "backward_rnn")]
        merge = _flax.merge(module.merge_fn, "from_linen")
        _flax.require_same(directions, "from_linen")
        return directions[0]._replace(backward=directions[1].forward, merge=merge)
    if _name(module) == "RNN":
        if module.reverse:
            raise ValueError("from_linen: an RNN with reverse=True is supported only inside a Bidirectional")
        module, params = module.cell, params["cell"]
    if _name(module) not in KINDS:
        raise ValueError(f"from_linen: no counterpart of {_name(module)}; expected one of {', '.join(KINDS)}")
    return Layer(_cell(KINDS[_name(module)], params), activation=_flax.cell_activation(module, "from_linen"))


def _cell(kind, params):
    gates = _flax.GATES.get(kind, [""])
    inputs, hidden = ([params[f"{side}{gate}"] for gate in gates] for side in "ih")
    kernels = ([part["kernel"] for part in parts] for parts in (inputs, hidden))
    return _flax.joined(kind, *kernels, *([part.get("bias") for part in parts] for parts in (inputs, hidden)))


def to_linen(net: Net, params: Params) -> tuple[Any, dict[str, Any]]:
    """Converts a net to a linen module that computes the same outputs, and its variables.

    Args:
      net: a `Net` of recurrent layers. It may start with an embedding or one-hot symbols and end with a readout.
      params: its params. Dropout, noise and the random part of zoneout act only in training and are left out.

    Returns:
      (`nn.Sequential` of `nn.RNN`, `nn.Bidirectional`, `nn.Embed` and `nn.Dense`, {"params": ...}). The module is
      batch-major: xs [B, T, D], or symbols [B, T], -> ys [B, T, K].

    Raises:
      ValueError: if linen has no layer for a part of the net. The message names the part.
    """
    return module(_stack.stack(net, params, "linen"))


def module(stack):
    """Converts a stack to (`nn.Sequential`, variables)."""
    from flax import linen as nn

    if stack.output != "every":
        raise ValueError("linen has no layer with one output per sequence; export to PyTorch or Keras instead")
    layers, params = [], {}
    if stack.embedding is not None:
        params[f"layers_{len(layers)}"] = {"embedding": stack.embedding}
        layers.append(nn.Embed(*stack.embedding.shape, param_dtype=stack.embedding.dtype))
    for layer in stack.layers:
        cells = [nn.RNN(_module_of_cell(nn, direction, layer.activation)) for direction in layer.directions]
        weights = [{"cell": _params_of_cell(direction)} for direction in layer.directions]
        if layer.backward is None:
            params[f"layers_{len(layers)}"] = weights[0]
            layers.append(cells[0])
        else:
            options = {} if layer.merge == "concat" else {"merge_fn": MERGES[layer.merge]}
            params[f"layers_{len(layers)}"] = dict(zip(("forward_rnn", "backward_rnn"), weights, strict=True))
            layers.append(nn.Bidirectional(*cells, **options))
    if stack.readout is not None:
        params[f"layers_{len(layers)}"] = {"kernel": stack.readout.w, "bias": stack.readout.b}
        layers.append(nn.Dense(stack.readout.w.shape[1], param_dtype=stack.readout.w.dtype))
    return nn.Sequential(layers), {"params": params}


def source(stack):
    """Returns a Python file that defines `model`, the module of a stack, and loads `variables` from model.msgpack."""
    parts = []
    if stack.embedding is not None:
        parts.append("nn.Embed({}, {})".format(*stack.embedding.shape))
    for layer in stack.layers:
        cells = [f"nn.RNN(nn.{_source_of_cell(direction, layer.activation)})" for direction in layer.directions]
        merge = {"concat": "", "sum": ", merge_fn=lambda a, b: a + b", "mul": ", merge_fn=lambda a, b: a * b"}
        merge["ave"] = ", merge_fn=lambda a, b: (a + b) / 2"
        parts.append(cells[0] if len(cells) == 1 else f"nn.Bidirectional({', '.join(cells)}{merge[layer.merge]})")
    if stack.readout is not None:
        parts.append(f"nn.Dense({stack.readout.w.shape[1]})")
    layers = "".join(f"        {part},\n" for part in parts)
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


def _source_of_cell(params, activation):
    size = params.w_h.shape[0]
    if isinstance(params, ElmanParams):
        option = {"tanh": "", "relu": ", activation_fn=nn.relu", "linear": ", activation_fn=lambda a: a"}
        return f"SimpleCell({size}{option[activation]})"
    return f"{WRITTEN[type(params)]}({size})"


def _module_of_cell(nn, params, activation):
    size, dtype = params.w_h.shape[0], params.w_h.dtype
    if isinstance(params, ElmanParams):
        return nn.SimpleCell(size, activation_fn=ACTIVATIONS[activation], param_dtype=dtype)
    return getattr(nn, WRITTEN[type(params)])(size, param_dtype=dtype)


def _params_of_cell(params):
    kernels, bias_side = {}, "h" if isinstance(params, LSTMParams) else "i"
    for gate, (w_x, w_h, b) in _flax.split(params).items():
        kernels[f"i{gate}"], kernels[f"h{gate}"] = {"kernel": w_x}, {"kernel": w_h}
        kernels[f"{bias_side}{gate}"]["bias"] = b
    if isinstance(params, GRUParams | MGUParams):
        kernels["hn"]["bias"] = _flax.recurrent_bias(params, "linen")
    return kernels
