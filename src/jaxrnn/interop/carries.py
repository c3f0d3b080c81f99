"""Carries between a net and PyTorch or Keras: to go on there from where a sequence stopped here, or the other way.

In Flax, Haiku and Equinox a carry belongs to one cell, an h, a pair (c, h) or a pair (h, c): our fields by name.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.interop.torch_weights import array
from jaxrnn.types import Carry, Net, Params


def carry_from_torch(net: Net, params: Params, state: Any) -> Carry:
    """A net's carry from the second output of an `nn.RNN`, `nn.GRU` (h) or `nn.LSTM` (h, c), each [layers x
    directions, B, H].

    Args:
      net, params: what `from_torch` gave.
      state: tensors or arrays.

    Raises:
      ValueError: if the net has another number of layers and directions, or other sizes.
    """
    states = state if isinstance(state, list | tuple) else [state]
    states = [np.asarray(array(s)) for s in states]
    return _filled(net, params, [[s[i] for s in states] for i in range(len(states[0]))])


def carry_to_torch(carry: Carry) -> Any:
    """The state of an `nn.RNN` or `nn.GRU` (h), or of an `nn.LSTM` (h, c), as arrays [layers x directions, B, H].

    Raises:
      ValueError: if the layers are not of one kind and size.
    """
    cells = [_states(cell) for cell in _cells(carry)]
    if len({tuple(np.shape(a) for a in cell) for cell in cells}) != 1:
        raise ValueError("carry_to_torch: the layers are not of one kind and size; PyTorch stacks their states")
    stacked = tuple(np.stack([np.asarray(cell[i]) for cell in cells]) for i in range(len(cells[0])))
    return stacked if len(stacked) == 2 else stacked[0]


def carry_from_keras(net: Net, params: Params, states: Sequence[Any]) -> Carry:
    """A net's carry from the states [h, c, h, c, ...] or [h, h, ...], each [B, H], that Keras layers return with
    `return_state=True`, layer after layer, the forward direction before the backward one.

    Raises:
      ValueError: if the net has another number of states, or other sizes.
    """
    states = [np.asarray(s) for s in states]
    template = [len(_states(cell)) for cell in _cells(net.initial(params, (1,)))]
    if len(states) != sum(template):
        raise ValueError(f"carry_from_keras: {len(states)} states for a net that has {sum(template)}")
    ends = np.cumsum(template)
    return _filled(net, params, [states[end - n : end] for n, end in zip(template, ends, strict=True)])


def carry_to_keras(carry: Carry) -> list[np.ndarray]:
    """The states [h, c, ...] of a net's carry, each [B, H], for `initial_state` of Keras layers."""
    return [np.asarray(state) for cell in _cells(carry) for state in _states(cell)]


def _is_cell(node):
    return "h" in getattr(node, "_fields", ())


def _cells(carry):
    found = jax.tree.leaves(carry, is_leaf=_is_cell)
    if not all(map(_is_cell, found)):
        raise ValueError("only the carries of Elman, LSTM and GRU layers have a counterpart elsewhere")
    return found


def _states(cell):
    """[h], or [h, c], of the carry of a cell."""
    return [cell.h, *([cell.c] if "c" in cell._fields else [])]


def _filled(net, params, states):
    """The net's carry with these states, [h] or [h, c] a cell."""
    template = net.initial(params, states[0][0].shape[:-1])
    cells = _cells(template)
    expected = [[a.shape for a in _states(cell)] for cell in cells]
    given = [[a.shape for a in own] for own in states]
    if expected != given:
        raise ValueError(f"states of shapes {given} are no carry of this net, whose cells have {expected}")
    made = [
        type(cell)(**dict(zip("hc", map(jnp.asarray, own), strict=False)))
        for cell, own in zip(cells, states, strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(template, is_leaf=_is_cell), made)
