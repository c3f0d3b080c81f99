"""Converts Equinox's recurrent cells to nets, and nets to Equinox cells. Only `to_equinox` imports Equinox.

Equinox has cells but no layers: its users write the scan over time. Its weights have the shape `[gates * H, in]`. The
gates have the same order as in jaxrnn: i f g o and r z n.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.interop import _stack
from jaxrnn.interop._stack import Layer, Stack
from jaxrnn.interop._verification import verified
from jaxrnn.nets.layers import AffineParams
from jaxrnn.types import Net, Params


def from_equinox(source: Any) -> tuple[Net, Params]:
    """Converts Equinox cells to a net and its params.

    Args:
      source: a cell (`eqx.nn.LSTMCell`, `eqx.nn.GRUCell`), or a list of the following parts in order: an optional
        `eqx.nn.Embedding`; layers, each a cell or a pair of cells for two directions; an optional `eqx.nn.Linear`.

    Returns:
      (`Net`, params), time-major.

    Raises:
      ValueError: if a part has no counterpart in jaxrnn, such as a cell that computes something different. The message
        names the part.
    """
    stack, parts = Stack(()), source if isinstance(source, list) else [source]
    for part in parts:
        pair = part if isinstance(part, tuple) else (part,)
        name = type(pair[0]).__name__
        if name in ("LSTMCell", "GRUCell") and len(pair) <= 2 and stack.readout is None:
            stack = stack._replace(layers=(*stack.layers, Layer(*map(_cell, pair))))
        elif name == "Linear" and stack.layers and stack.readout is None:
            w = part.weight.T
            stack = stack._replace(readout=AffineParams(w, _or_zeros(part.bias, w)))
        elif name == "Embedding" and not stack.layers:
            stack = stack._replace(embedding=part.weight)
        else:
            raise ValueError(
                f"from_equinox: unexpected {name}: expected an Embedding, then LSTMCells, GRUCells or pairs of them, "
                "then one Linear; give the parts of your own module in a list"
            )
    if not stack.layers:
        raise ValueError("from_equinox: the modules contain no LSTMCell or GRUCell")
    return _stack.net(verified(stack, lambda xs: _run(parts, stack, xs), f"from_equinox: {type(source).__name__}"))


def _run(parts, stack, xs):
    """Runs the parts in order. The cells start from a zero state."""
    hs = jnp.asarray(xs[..., 0] if stack.embedding is not None else xs)
    for part in parts:
        if isinstance(part, tuple):
            directions = [_scan(cell, hs[::step])[::step] for cell, step in zip(part, (1, -1), strict=False)]
            hs = jnp.concatenate(directions, axis=-1)
        else:
            hs = _scan(part, hs) if hasattr(part, "weight_hh") else jax.vmap(jax.vmap(part))(hs)
    return hs


def _scan(cell, xs):
    zeros = jnp.zeros((xs.shape[1], cell.weight_hh.shape[1]), xs.dtype)
    is_lstm = type(cell).__name__ == "LSTMCell"

    def step(state, x):
        state = jax.vmap(cell)(x, state)
        return state, state[0] if is_lstm else state

    return jax.lax.scan(step, (zeros, zeros) if is_lstm else zeros, xs)[1]


def _cell(cell):
    w_x, w_h = cell.weight_ih.T, cell.weight_hh.T
    b = _or_zeros(cell.bias, w_h)
    if type(cell).__name__ == "LSTMCell":
        return LSTMParams(w_x, w_h, b)
    return GRUParams(w_x, w_h, b, jnp.zeros(len(w_h), w_h.dtype) if cell.bias_n is None else cell.bias_n)


def _or_zeros(bias, w):
    return jnp.zeros(w.shape[1], w.dtype) if bias is None else bias


def to_equinox(net: Net, params: Params) -> list[Any]:
    """Converts a net to Equinox cells that compute the same outputs.

    Args:
      net: a `Net` of LSTM and GRU layers. It may start with an embedding or one-hot symbols and end with a readout.
      params: its params. Dropout, noise and the random part of zoneout act only in training and are left out.

    Returns:
      A list in the form that `from_equinox` accepts: an `eqx.nn.Embedding` if the inputs are symbols; layers, each a
      cell or a pair of cells for two directions; an `eqx.nn.Linear` if there is a readout.

    Raises:
      ValueError: if Equinox has no cell for a part of the net. The message names the part.
      ImportError: if Equinox is not installed.
    """
    import equinox as eqx

    stack = _stack.stack(net, params, "Equinox")
    if stack.output != "every":
        raise ValueError(
            "Equinox has no layer with one output per sequence; export a net with all outputs and select the last one"
        )
    parts = [] if stack.embedding is None else [eqx.nn.Embedding(weight=stack.embedding)]
    for layer in stack.layers:
        if layer.merge != "concat":
            raise ValueError(
                f"to_equinox: merge={layer.merge} has no counterpart: a pair of cells can only express merge=concat"
            )
        cells = tuple(_module(eqx, direction) for direction in layer.directions)
        parts.append(cells[0] if len(cells) == 1 else cells)
    if stack.readout is not None:
        linear = eqx.nn.Linear(*stack.readout.w.shape, key=jax.random.key(0))
        parts.append(_filled(eqx, linear, {"weight": stack.readout.w.T, "bias": stack.readout.b}))
    return parts


def _module(eqx, params):
    kinds = {LSTMParams: eqx.nn.LSTMCell, GRUParams: eqx.nn.GRUCell}
    if type(params) not in kinds:
        raise ValueError(f"Equinox has no {type(params).__name__.removesuffix('Params')} cell")
    if isinstance(params, GRUParams) and params.b_hn is None:
        raise ValueError("Equinox has no GRU with reset=before")
    cell = kinds[type(params)](params.w_x.shape[0], params.w_h.shape[0], key=jax.random.key(0))
    return _filled(eqx, cell, arrays_of(params))


def arrays_of(params):
    """Converts a cell's params to {field of the Equinox cell: array}."""
    arrays = {"weight_ih": params.w_x.T, "weight_hh": params.w_h.T, "bias": params.b}
    return arrays | ({"bias_n": params.b_hn} if isinstance(params, GRUParams) else {})


def _filled(eqx, module, arrays):
    """Replaces the arrays of a module."""
    return eqx.tree_at(lambda m: [getattr(m, name) for name in arrays], module, list(arrays.values()))
