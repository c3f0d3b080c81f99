"""Equinox's recurrent cells as nets, and nets as Equinox cells. Equinox is imported by `to_equinox` alone.

Equinox has cells and no layers: the scan over time is its user's. Its weights are `[gates * H, in]`, the gates i f g o
and r z n in our order.
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
    """The net of Equinox cells, and its params.

    Args:
      source: a cell (`eqx.nn.LSTMCell`, `eqx.nn.GRUCell`), or a list, in their order, of an `eqx.nn.Embedding`, of
        layers, each a cell or a pair of cells for the two directions, and of one `eqx.nn.Linear`.

    Returns:
      (`Net`, params), time-major.

    Raises:
      ValueError: for what has no counterpart here, by its name, such as a cell that computes something else.
    """
    found, parts = Stack(()), source if isinstance(source, list) else [source]
    for part in parts:
        pair = part if isinstance(part, tuple) else (part,)
        name = type(pair[0]).__name__
        if name in ("LSTMCell", "GRUCell") and len(pair) <= 2 and found.readout is None:
            found = found._replace(layers=(*found.layers, Layer(*map(_cell, pair))))
        elif name == "Linear" and found.layers and found.readout is None:
            w = part.weight.T
            found = found._replace(readout=AffineParams(w, _or_zeros(part.bias, w)))
        elif name == "Embedding" and not found.layers:
            found = found._replace(embedding=part.weight)
        else:
            raise ValueError(
                f"from_equinox: no place for {name} in this order; Embedding, LSTMCell, GRUCell, pairs of them and one "
                "Linear are read; give the parts of a module of your own in a list"
            )
    if not found.layers:
        raise ValueError("from_equinox: no LSTMCell or GRUCell among the modules")
    return _stack.net(verified(found, lambda xs: _computed(parts, found, xs), f"from_equinox: {type(source).__name__}"))


def _computed(parts, found, xs):
    """What the parts give one after the other, the cells from a state of zero."""
    hs = jnp.asarray(xs[..., 0] if found.embedding is not None else xs)
    for part in parts:
        if isinstance(part, tuple):
            ways = [_scanned(cell, hs[::step])[::step] for cell, step in zip(part, (1, -1), strict=False)]
            hs = jnp.concatenate(ways, axis=-1)
        else:
            hs = _scanned(part, hs) if hasattr(part, "weight_hh") else jax.vmap(jax.vmap(part))(hs)
    return hs


def _scanned(cell, xs):
    zeros = jnp.zeros((xs.shape[1], cell.weight_hh.shape[1]), xs.dtype)
    pair = type(cell).__name__ == "LSTMCell"

    def step(state, x):
        state = jax.vmap(cell)(x, state)
        return state, state[0] if pair else state

    return jax.lax.scan(step, (zeros, zeros) if pair else zeros, xs)[1]


def _cell(cell):
    w_x, w_h = cell.weight_ih.T, cell.weight_hh.T
    b = _or_zeros(cell.bias, w_h)
    if type(cell).__name__ == "LSTMCell":
        return LSTMParams(w_x, w_h, b)
    return GRUParams(w_x, w_h, b, jnp.zeros(len(w_h), w_h.dtype) if cell.bias_n is None else cell.bias_n)


def _or_zeros(bias, w):
    return jnp.zeros(w.shape[1], w.dtype) if bias is None else bias


def to_equinox(net: Net, params: Params) -> list[Any]:
    """The Equinox cells that compute what a net computes.

    Args:
      net: a `Net` of LSTM and GRU layers, perhaps with an embedding or one-hot symbols before and a readout after them.
      params: its params. Dropout, zoneout's draws and noise, which act in training alone, are left out.

    Returns:
      What `from_equinox` takes: a list of an `eqx.nn.Embedding`, where inputs are symbols, of layers, each a cell or a
      pair of cells for the two directions, and of an `eqx.nn.Linear`, where there is a readout.

    Raises:
      ValueError: for what Equinox has no cell for, by its name.
      ImportError: without Equinox.
    """
    import equinox as eqx

    stack = _stack.stack(net, params, "Equinox")
    if stack.output != "every":
        raise ValueError("Equinox has cells, no layers; take the last output from those of the whole net")
    found = [] if stack.embedding is None else [eqx.nn.Embedding(weight=stack.embedding)]
    for layer in stack.layers:
        if layer.merge != "concat":
            raise ValueError(f"to_equinox: a pair of cells does not say merge={layer.merge}; concat alone is written")
        cells = tuple(_module(eqx, direction) for direction in layer.directions)
        found.append(cells[0] if len(cells) == 1 else cells)
    if stack.readout is not None:
        made = eqx.nn.Linear(*stack.readout.w.shape, key=jax.random.key(0))
        found.append(_filled(eqx, made, {"weight": stack.readout.w.T, "bias": stack.readout.b}))
    return found


def _module(eqx, params):
    kinds = {LSTMParams: eqx.nn.LSTMCell, GRUParams: eqx.nn.GRUCell}
    if type(params) not in kinds:
        raise ValueError(f"Equinox has no {type(params).__name__.removesuffix('Params')} cell")
    if isinstance(params, GRUParams) and params.b_hn is None:
        raise ValueError("Equinox has no GRU that resets before the product (reset=before)")
    made = kinds[type(params)](params.w_x.shape[0], params.w_h.shape[0], key=jax.random.key(0))
    return _filled(eqx, made, arrays_of(params))


def arrays_of(params):
    """{field of Equinox's cell: array} of a cell's params."""
    arrays = {"weight_ih": params.w_x.T, "weight_hh": params.w_h.T, "bias": params.b}
    return arrays | ({"bias_n": params.b_hn} if isinstance(params, GRUParams) else {})


def _filled(eqx, module, arrays):
    """The module with these arrays in place of its own."""
    return eqx.tree_at(lambda m: [getattr(m, name) for name in arrays], module, list(arrays.values()))
