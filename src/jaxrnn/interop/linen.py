"""Flax linen's recurrent layers as nets, and nets as linen modules.

There every gate has a kernel of its own, ii if ig io hi hf hg ho, ir iz in hr hz hn, i and h, if in hf hn, and a bias
on one of the two sides.
"""

from typing import Any

import jax.numpy as jnp

from jaxrnn.cells._step import ACTIVATIONS
from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.cells.mgu import MGUParams
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
    """The net of a linen module, and its params.

    Args:
      module: a cell (SimpleCell, LSTMCell, OptimizedLSTMCell, GRUCell, MGUCell), an `nn.RNN` of one, an
        `nn.Bidirectional` of two, an `nn.Sequential` of an `nn.Embed`, such layers and one `nn.Dense`, or a list of
        modules in their order.
      variables: what the module's `init` gave, with or without its "params"; a list of such for a list of modules.

    Returns:
      (`Net`, params), time-major whatever the module's `time_major`.

    Raises:
      ValueError: for what has no counterpart here, by its name, such as a cell that computes something else.
    """
    name = f"from_linen: {type(module).__name__}"
    if not isinstance(module, list | tuple):
        module, variables = [module], [variables]
    parts = [_listed(m, v.get("params", v)) for m, v in zip(module, variables, strict=True)]
    pairs = [pair for part in parts for pair in part]
    found = _of_modules(pairs)
    return _stack.net(verified(found, lambda xs: _computed(pairs, found, xs), name))


def _computed(pairs, found, xs):
    """What modules give with their params, one after the other."""
    from flax import linen as nn

    hs = jnp.asarray(xs[..., 0] if found.embedding is not None else xs)
    for module, params in pairs:
        module = module.clone(parent=None)
        if _name(module) in KINDS:
            module, params = nn.RNN(module), {"cell": params}
        recurrent = _name(module) in ("RNN", "Bidirectional")
        options = {"time_major": True, "return_carry": False} if recurrent else {}
        hs = module.apply({"params": params}, hs, **options)
    return hs


def _listed(module, params):
    """[(module, its params)]; of a Sequential one pair a layer."""
    if _name(module) != "Sequential":
        return [(module, params)]
    return [pair for i, layer in enumerate(module.layers) for pair in _listed(layer, params.get(f"layers_{i}", {}))]


def _name(module):
    return type(module).__name__


def _of_modules(pairs):
    found = Stack(())
    for module, params in pairs:
        name = _name(module)
        if name in ("RNN", "Bidirectional", *KINDS) and found.readout is None:
            found = found._replace(layers=(*found.layers, _layer(module, params)))
        elif name == "Dense" and found.layers and found.readout is None:
            w = jnp.asarray(params["kernel"])
            b = jnp.asarray(params.get("bias", jnp.zeros(w.shape[1], w.dtype)))
            found = found._replace(readout=AffineParams(w, b))
        elif name == "Embed" and not found.layers:
            found = found._replace(embedding=jnp.asarray(params["embedding"]))
        else:
            raise ValueError(
                f"from_linen: no place for {name} in this order; Embed, RNN, Bidirectional and one Dense are read"
            )
    if not found.layers:
        raise ValueError("from_linen: no recurrent layer among the modules")
    return found


def _layer(module, params):
    if _name(module) == "Bidirectional":
        one, two = module.forward_rnn, module.backward_rnn
        both = [_layer(m, params[n]) for m, n in ((one, "forward_rnn"), (two, "backward_rnn"))]
        merge = _flax.merge(module.merge_fn, "from_linen")
        _flax.require_same(both, "from_linen")
        return both[0]._replace(backward=both[1].forward, merge=merge)
    if _name(module) == "RNN":
        if module.reverse:
            raise ValueError("from_linen: an RNN with reverse=True has no counterpart but in a Bidirectional")
        module, params = module.cell, params["cell"]
    if _name(module) not in KINDS:
        raise ValueError(f"from_linen: no counterpart of {_name(module)}; there are {', '.join(KINDS)}")
    return Layer(_cell(KINDS[_name(module)], params), activation=_flax.cell_activation(module, "from_linen"))


def _cell(kind, params):
    gates = _flax.GATES.get(kind, [""])
    inputs, hidden = ([params[f"{side}{gate}"] for gate in gates] for side in "ih")
    kernels = ([part["kernel"] for part in parts] for parts in (inputs, hidden))
    return _flax.joined(kind, *kernels, *([part.get("bias") for part in parts] for parts in (inputs, hidden)))


def to_linen(net: Net, params: Params) -> tuple[Any, dict[str, Any]]:
    """The linen module that computes what a net computes, and its variables.

    Args:
      net: a `Net` of recurrent layers, perhaps with an embedding or one-hot symbols before and a readout after them.
      params: its params. Dropout, zoneout's draws and noise, which act in training alone, are left out.

    Returns:
      (`nn.Sequential` of `nn.RNN`, `nn.Bidirectional`, `nn.Embed` and `nn.Dense`, {"params": ...}); batch-major, xs
      [B, T, D], or symbols [B, T], -> ys [B, T, K].

    Raises:
      ValueError: for what linen has no layer for, by its name.
    """
    return module(_stack.stack(net, params, "linen"))


def module(stack):
    """(`nn.Sequential`, variables) of a stack."""
    from flax import linen as nn

    if stack.output != "every":
        raise ValueError("linen has no layer with one output per sequence; PyTorch and Keras have")
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
            given = {} if layer.merge == "concat" else {"merge_fn": MERGES[layer.merge]}
            params[f"layers_{len(layers)}"] = dict(zip(("forward_rnn", "backward_rnn"), weights, strict=True))
            layers.append(nn.Bidirectional(*cells, **given))
    if stack.readout is not None:
        params[f"layers_{len(layers)}"] = {"kernel": stack.readout.w, "bias": stack.readout.b}
        layers.append(nn.Dense(stack.readout.w.shape[1], param_dtype=stack.readout.w.dtype))
    return nn.Sequential(layers), {"params": params}


def source(stack):
    """A Python file that makes the module of a stack, `model`, and reads its `variables` from model.msgpack."""
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
    return f'''"""A Flax linen module of recurrent layers and its variables; batch-major, [B, T, D] -> [B, T, K]."""

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
        other = {"tanh": "", "relu": ", activation_fn=nn.relu", "linear": ", activation_fn=lambda a: a"}
        return f"SimpleCell({size}{other[activation]})"
    return f"{WRITTEN[type(params)]}({size})"


def _module_of_cell(nn, params, activation):
    size, dtype = params.w_h.shape[0], params.w_h.dtype
    if isinstance(params, ElmanParams):
        return nn.SimpleCell(size, activation_fn=ACTIVATIONS[activation], param_dtype=dtype)
    return getattr(nn, WRITTEN[type(params)])(size, param_dtype=dtype)


def _params_of_cell(params):
    found, bias_side = {}, "h" if isinstance(params, LSTMParams) else "i"
    for gate, (w_x, w_h, b) in _flax.split(params).items():
        found[f"i{gate}"], found[f"h{gate}"] = {"kernel": w_x}, {"kernel": w_h}
        found[f"{bias_side}{gate}"]["bias"] = b
    if isinstance(params, GRUParams | MGUParams):
        found["hn"]["bias"] = _flax.recurrent_bias(params, "linen")
    return found
