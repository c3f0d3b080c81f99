"""The recurrent weights in the params of a cell or a net: every cell calls them `w_h`."""

from collections.abc import Callable
from typing import Any

import jax


def recurrent_weights(params: Any) -> list[Any]:
    """Returns the recurrent weights in params, in the order of the leaves: [H, G], with the gates side by side."""
    return [leaf for path, leaf in jax.tree.leaves_with_path(params) if _is_recurrent(path)]


def map_recurrent(function: Callable[[Any], Any], params: Any, other: Callable[[Any], Any] = lambda leaf: leaf) -> Any:
    """Returns params with `function` applied to all recurrent weights, and `other` to all other leaves.

    Raises:
      ValueError: if there are no recurrent weights.
    """
    if not recurrent_weights(params):
        raise ValueError("the network has no recurrent weights: expected a leaf of the params named w_h")
    return jax.tree.map_with_path(lambda path, leaf: function(leaf) if _is_recurrent(path) else other(leaf), params)


def _is_recurrent(path):
    return getattr(path[-1], "name", None) == "w_h" if path else False
