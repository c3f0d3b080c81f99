"""Converts Flax nnx's recurrent layers to nets, and nets to nnx modules.

In nnx an LSTMCell has two `Linear`s per gate. Every other cell has one `Linear` for the inputs and one for the
recurrence, whose columns hold the gates in the same order as in jaxrnn.
"""

from typing import Any

import jax.numpy as jnp
from flax import nnx

from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.cells.step import ACTIVATIONS
from jaxrnn.interop import _flax, _stack
from jaxrnn.interop._stack import Layer, Stack
from jaxrnn.interop._verification import verified
from jaxrnn.nets.combine import MERGES
from jaxrnn.nets.layers import AffineParams
from jaxrnn.types import Net, Params

CELLS = (nnx.LSTMCell, nnx.OptimizedLSTMCell, nnx.GRUCell, nnx.SimpleCell)


def from_nnx(module: Any) -> tuple[Net, Params]:
    """Converts an nnx module to a net and its params.

    Args:
      module: one of the following, or a list of modules in order:

        - a cell: SimpleCell, LSTMCell, OptimizedLSTMCell or GRUCell;
        - an `nnx.RNN` of a cell;
        - an `nnx.Bidirectional` of two `nnx.RNN`s;
        - an `nnx.Sequential` of an optional `nnx.Embed`, such layers and an optional `nnx.Linear`.

    Returns:
      (`Net`, params). The net is time-major for any value of the module's `time_major`.

    Raises:
      ValueError: if a part has no counterpart in jaxrnn, such as a cell that computes something different. The message
        names the part.
    """
    stack, parts = Stack(()), _listed(module)
    for part in parts:
        if isinstance(part, (nnx.RNN, nnx.Bidirectional, *CELLS)) and stack.readout is None:
            stack = stack._replace(layers=(*stack.layers, _layer(part)))
        elif isinstance(part, nnx.Linear) and stack.layers and stack.readout is None:
            w, b = part.kernel[...], _bias(part)
            stack = stack._replace(readout=AffineParams(w, jnp.zeros(w.shape[1], w.dtype) if b is None else b))
        elif isinstance(part, nnx.Embed) and not stack.layers:
            stack = stack._replace(embedding=part.embedding[...])
        else:
            raise ValueError(
                f"from_nnx: unexpected {type(part).__name__}: expected an Embed, then RNN or Bidirectional layers or "
                "cells, then one Linear; give the layers of your own module in a list"
            )
    if not stack.layers:
        raise ValueError("from_nnx: the modules contain no recurrent layer")
    return _stack.net(verified(stack, lambda xs: _run(parts, stack, xs), f"from_nnx: {type(module).__name__}"))


def _run(parts, stack, xs):
    """Runs the parts in order."""
    hs = jnp.asarray(xs[..., 0] if stack.embedding is not None else xs)
    for part in parts:
        layer = nnx.RNN(part) if isinstance(part, CELLS) else part
        recurrent = isinstance(layer, nnx.RNN | nnx.Bidirectional)
        hs = layer(hs, time_major=True, return_carry=False) if recurrent else layer(hs)
    return hs


def _listed(module):
    if isinstance(module, nnx.Sequential):
        module = list(module.layers)
    return [part for child in module for part in _listed(child)] if isinstance(module, list | tuple) else [module]


def _layer(module):
    if isinstance(module, nnx.Bidirectional):
        directions = [_layer(module.forward_rnn), _layer(module.backward_rnn)]
        _flax.require_same(directions, "from_nnx")
        return directions[0]._replace(backward=directions[1].forward, merge=_flax.merge(module.merge_fn, "from_nnx"))
    if isinstance(module, nnx.RNN):
        if module.reverse:
            raise ValueError("from_nnx: an RNN with reverse=True is supported only inside a Bidirectional")
        module = module.cell
    if not isinstance(module, CELLS):
        names = ", ".join(kind.__name__ for kind in CELLS)
        raise ValueError(f"from_nnx: no counterpart of {type(module).__name__}; expected one of {names}")
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
    """Converts a net to an nnx module that computes the same outputs.

    Args:
      net: a `Net` of recurrent layers. It may start with an embedding or one-hot symbols and end with a readout.
      params: its params. Dropout, noise and the random part of zoneout act only in training and are left out.

    Returns:
      An `nnx.Sequential` of `nnx.RNN`, `nnx.Bidirectional`, `nnx.Embed` and `nnx.Linear`. It is batch-major: xs
      [B, T, D], or symbols [B, T], -> ys [B, T, K]. A GRUCell gets a recurrent bias, which nnx itself leaves out.

    Raises:
      ValueError: if nnx has no layer for a part of the net. The message names the part.
    """
    stack = _stack.stack(net, params, "nnx")
    if stack.output != "every":
        raise ValueError(
            "nnx has no layer with one output per sequence; export a net with all outputs and select the last one"
        )
    rngs, parts = nnx.Rngs(0), []
    if stack.embedding is not None:
        part = nnx.Embed(*stack.embedding.shape, param_dtype=stack.embedding.dtype, rngs=rngs)
        part.embedding[...] = stack.embedding
        parts.append(part)
    for layer in stack.layers:
        directions = [nnx.RNN(_module_of_cell(d, layer.activation, rngs)) for d in layer.directions]
        options = {} if layer.merge == "concat" else {"merge_fn": MERGES[layer.merge]}
        parts.append(directions[0] if layer.backward is None else nnx.Bidirectional(*directions, **options))
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
