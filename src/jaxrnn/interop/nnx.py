"""Flax nnx's recurrent layers as nets, and nets as nnx modules.

There an LSTMCell has a `Linear` a gate, the other cells one for the inputs and one for the recurrence, gates side by
side in our order.
"""

from typing import Any

import jax.numpy as jnp
from flax import nnx

from jaxrnn.cells._step import ACTIVATIONS
from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.interop import _flax, _stack
from jaxrnn.interop._stack import Layer, Stack
from jaxrnn.interop._verification import verified
from jaxrnn.nets.combine import MERGES
from jaxrnn.nets.layers import AffineParams
from jaxrnn.types import Net, Params

CELLS = (nnx.LSTMCell, nnx.OptimizedLSTMCell, nnx.GRUCell, nnx.SimpleCell)


def from_nnx(module: Any) -> tuple[Net, Params]:
    """The net of an nnx module, and its params.

    Args:
      module: a cell (SimpleCell, LSTMCell, OptimizedLSTMCell, GRUCell), an `nnx.RNN` of one, an `nnx.Bidirectional` of
        two, an `nnx.Sequential` of an `nnx.Embed`, such layers and one `nnx.Linear`, or a list of modules in their
        order.

    Returns:
      (`Net`, params), time-major whatever the module's `time_major`.

    Raises:
      ValueError: for what has no counterpart here, by its name, such as a cell that computes something else.
    """
    found, parts = Stack(()), _listed(module)
    for part in parts:
        if isinstance(part, (nnx.RNN, nnx.Bidirectional, *CELLS)) and found.readout is None:
            found = found._replace(layers=(*found.layers, _layer(part)))
        elif isinstance(part, nnx.Linear) and found.layers and found.readout is None:
            w, b = part.kernel[...], _bias(part)
            found = found._replace(readout=AffineParams(w, jnp.zeros(w.shape[1], w.dtype) if b is None else b))
        elif isinstance(part, nnx.Embed) and not found.layers:
            found = found._replace(embedding=part.embedding[...])
        else:
            raise ValueError(
                f"from_nnx: no place for {type(part).__name__} in this order; Embed, RNN, Bidirectional, cells and one "
                "Linear are read; give the layers of a module of your own in a list"
            )
    if not found.layers:
        raise ValueError("from_nnx: no recurrent layer among the modules")
    return _stack.net(verified(found, lambda xs: _computed(parts, found, xs), f"from_nnx: {type(module).__name__}"))


def _computed(parts, found, xs):
    """What the parts give one after the other."""
    hs = jnp.asarray(xs[..., 0] if found.embedding is not None else xs)
    for part in parts:
        layer = nnx.RNN(part) if isinstance(part, CELLS) else part
        recurrent = isinstance(layer, nnx.RNN | nnx.Bidirectional)
        hs = layer(hs, time_major=True, return_carry=False) if recurrent else layer(hs)
    return hs


def _listed(module):
    if isinstance(module, nnx.Sequential):
        module = list(module.layers)
    return [part for one in module for part in _listed(one)] if isinstance(module, list | tuple) else [module]


def _layer(module):
    if isinstance(module, nnx.Bidirectional):
        both = [_layer(module.forward_rnn), _layer(module.backward_rnn)]
        _flax.require_same(both, "from_nnx")
        return both[0]._replace(backward=both[1].forward, merge=_flax.merge(module.merge_fn, "from_nnx"))
    if isinstance(module, nnx.RNN):
        if module.reverse:
            raise ValueError("from_nnx: an RNN with reverse=True has no counterpart but in a Bidirectional")
        module = module.cell
    if not isinstance(module, CELLS):
        names = ", ".join(kind.__name__ for kind in CELLS)
        raise ValueError(f"from_nnx: no counterpart of {type(module).__name__}; there are {names}")
    return Layer(_cell(module), activation=_flax.cell_activation(module, "from_nnx"))


def _cell(module):
    if isinstance(module, nnx.LSTMCell):
        sides = [[module.ii, module.if_, module.ig, module.io], [module.hi, module.hf, module.hg, module.ho]]
        kernels = ([part.kernel[...] for part in side] for side in sides)
        return _flax.joined(LSTMParams, *kernels, *([_bias(part) for part in side] for side in sides))
    kinds = {nnx.OptimizedLSTMCell: LSTMParams, nnx.GRUCell: GRUParams, nnx.SimpleCell: ElmanParams}
    kind = next(params for cell, params in kinds.items() if isinstance(module, cell))
    gates = len(_flax.GATES.get(kind, [""]))
    kernels, biases = [], []
    for part in (module.dense_i, module.dense_h):
        kernels.append(jnp.split(part.kernel[...], gates, axis=1))
        bias = _bias(part)
        biases.append([None] * gates if bias is None else jnp.split(bias, gates))
    return _flax.joined(kind, *kernels, *biases)


def _bias(linear):
    return None if linear.bias is None else linear.bias[...]


def to_nnx(net: Net, params: Params) -> nnx.Sequential:
    """The nnx module that computes what a net computes.

    Args:
      net: a `Net` of recurrent layers, perhaps with an embedding or one-hot symbols before and a readout after them.
      params: its params. Dropout, zoneout's draws and noise, which act in training alone, are left out.

    Returns:
      An `nnx.Sequential` of `nnx.RNN`, `nnx.Bidirectional`, `nnx.Embed` and `nnx.Linear`; batch-major, xs [B, T, D], or
      symbols [B, T], -> ys [B, T, K]. The GRUCell's product with the carry gets the bias that nnx leaves out.

    Raises:
      ValueError: for what nnx has no layer for, by its name.
    """
    stack = _stack.stack(net, params, "nnx")
    if stack.output != "every":
        raise ValueError("nnx has no layer that gives the last output alone; take it from those of the whole net")
    rngs, parts = nnx.Rngs(0), []
    if stack.embedding is not None:
        part = nnx.Embed(*stack.embedding.shape, param_dtype=stack.embedding.dtype, rngs=rngs)
        part.embedding[...] = stack.embedding
        parts.append(part)
    for layer in stack.layers:
        directions = [nnx.RNN(_module_of_cell(d, layer.activation, rngs)) for d in layer.directions]
        given = {} if layer.merge == "concat" else {"merge_fn": MERGES[layer.merge]}
        parts.append(directions[0] if layer.backward is None else nnx.Bidirectional(*directions, **given))
    if stack.readout is not None:
        parts.append(_linear(stack.readout.w, stack.readout.b, rngs))
    return nnx.Sequential(*parts)


def _module_of_cell(params, activation, rngs):
    _flax.require_known(params, "nnx")
    columns, size = params.w_x.shape[0], params.w_h.shape[0]
    options = {"rngs": rngs, "param_dtype": params.w_x.dtype}
    if isinstance(params, LSTMParams):
        cell = nnx.OptimizedLSTMCell(columns, size, **options)
        cell.dense_i = _linear(params.w_x, None, rngs)
        cell.dense_h = _linear(params.w_h, params.b, rngs)
        return cell
    if isinstance(params, GRUParams):
        cell = nnx.GRUCell(columns, size, **options)
        b_hn = _flax.recurrent_bias(params, "nnx")
        b_h = jnp.zeros(params.w_h.shape[1], params.w_h.dtype).at[2 * size :].set(b_hn)
        cell.dense_i, cell.dense_h = _linear(params.w_x, params.b, rngs), _linear(params.w_h, b_h, rngs)
        return cell
    cell = nnx.SimpleCell(columns, size, activation_fn=ACTIVATIONS[activation], **options)
    cell.dense_i, cell.dense_h = _linear(params.w_x, params.b, rngs), _linear(params.w_h, None, rngs)
    return cell


def _linear(w, b, rngs):
    part = nnx.Linear(*w.shape, use_bias=b is not None, param_dtype=w.dtype, rngs=rngs)
    part.kernel[...] = w
    if b is not None:
        part.bias[...] = b
    return part
