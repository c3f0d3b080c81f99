"""Converts carries between a net and PyTorch or Keras, to continue a sequence in the other library.

Flax, Haiku and Equinox need no conversion functions. There a carry belongs to one cell and is h, (c, h) or (h, c): the
fields of our carries have the same names.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.interop._weights import array
from jaxrnn.types import Carry, Net, Params


def carry_from_torch(net: Net, params: Params, state: Any) -> Carry:
    """Converts the state of a PyTorch module to a net's carry.

    Args:
      net: the net from `from_torch`.
      params: the params from `from_torch`.
      state: second output of an `nn.RNN` or `nn.GRU` (h) or of an `nn.LSTM` (h, c), each a tensor or an array
        [layers x directions, B, H].

    Raises:
      ValueError: if the net has a different number of layers and directions, or different sizes.
    """
    states = state if isinstance(state, list | tuple) else [state]
    states = [np.asarray(array(s, "a state")) for s in states]
    return _filled(net, params, [[s[i] for s in states] for i in range(len(states[0]))])


def carry_to_torch(carry: Carry) -> Any:
    """Converts a carry to the state of an `nn.RNN` or `nn.GRU` (h) or of an `nn.LSTM` (h, c).

    Returns:
      Arrays [layers x directions, B, H].

    Raises:
      ValueError: if the layers differ in kind or size.
    """
    cells = [_states(cell) for cell in _cells(carry)]
    if len({tuple(np.shape(a) for a in cell) for cell in cells}) != 1:
        raise ValueError("carry_to_torch: PyTorch stacks the states of all layers: expected one kind and size")
    stacked = tuple(np.stack([np.asarray(cell[i]) for cell in cells]) for i in range(len(cells[0])))
    return stacked if len(stacked) == 2 else stacked[0]


def carry_from_keras(net: Net, params: Params, states: Sequence[Any]) -> Carry:
    """Converts the states of Keras layers to a net's carry.

    Args:
      net: the net from `from_keras`.
      params: the params from `from_keras`.
      states: [h, c, h, c, ...] or [h, h, ...], each [B, H], as Keras layers return them with `return_state=True`. They
        are ordered by layer, with the forward direction before the backward direction.

    Raises:
      ValueError: if the net has a different number of states, or different sizes.
    """
    states = [np.asarray(s) for s in states]
    template = [len(_states(cell)) for cell in _cells(net.initial(params, (1,)))]
    if len(states) != sum(template):
        raise ValueError(f"carry_from_keras: expected {sum(template)} states for this net, found {len(states)}")
    ends = np.cumsum(template)
    return _filled(net, params, [states[end - n : end] for n, end in zip(template, ends, strict=True)])


def carry_to_keras(carry: Carry) -> list[np.ndarray]:
    """Converts a net's carry to the states [h, c, ...], each [B, H], for `initial_state` of Keras layers."""
    return [np.asarray(state) for cell in _cells(carry) for state in _states(cell)]


def _is_cell(node):
    return "h" in getattr(node, "_fields", ())


def _cells(carry):
    cells = jax.tree.leaves(carry, is_leaf=_is_cell)
    if not all(map(_is_cell, cells)):
        raise ValueError("this carry cannot be converted: expected a carry of Elman, LSTM or GRU layers")
    return cells


def _states(cell):
    """Returns the carry of a cell as [h] or [h, c]."""
    return [cell.h, *([cell.c] if "c" in cell._fields else [])]


def _filled(net, params, states):
    """Fills the net's carry with states, one list [h] or [h, c] per cell."""
    template = net.initial(params, states[0][0].shape[:-1])
    cells = _cells(template)
    expected = [[a.shape for a in _states(cell)] for cell in cells]
    shapes = [[a.shape for a in arrays] for arrays in states]
    if expected != shapes:
        raise ValueError(f"the states do not fit this net: expected the shapes {expected}, found {shapes}")
    carries = [
        type(cell)(**dict(zip("hc", map(jnp.asarray, arrays), strict=False)))
        for cell, arrays in zip(cells, states, strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(template, is_leaf=_is_cell), carries)
