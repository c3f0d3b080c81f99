"""Descriptions of a net for people: its layers, the shapes of their arrays, and the number of params."""

import math
from typing import Any

import jax


def parts(params: Any) -> list[tuple[str, Any]]:
    """Lists (name, leaf) of params; the name joins the keys by dots, such as "0.w_h"."""
    return [(_name(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(params)]


def summary(net: Any, input_size: int = 1) -> None:
    """Prints the layers of a net, the shapes of their arrays, and the number of params.

    Args:
      net: a `Net`.
      input_size: D, the width of the inputs; 1 for a net that reads symbols.
    """
    params = _shapes(net, input_size)
    rows = [("part", "layer", "shape", "params")]
    for name, layer in _layers(params):
        for leaf_name, leaf in parts(layer):
            rows.append((".".join(filter(None, (name, leaf_name))), _kind(layer), str(list(leaf.shape)), _size([leaf])))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"{part:<{widths[0]}}  {kind:<{widths[1]}}  {shape:<{widths[2]}}  {count:>{widths[3]}}"
        for part, kind, shape, count in rows
    ]
    lines.append(f"inputs [T, B, {input_size}], outputs [T, B, {net.width(input_size)}], {_total(params)} params")
    print("\n".join(lines))


def one_line(net: Any) -> str:
    """Describes a net in one line, by its layers with their widths; "" if its params cannot be drawn for one input."""
    try:
        params = _shapes(net, 1)
    except Exception:  # `init` is the user's function and may raise any error; a description must not
        return ""
    return f"Net({', '.join(f'{name}: {_kind(layer)}({_width(layer)})' for name, layer in _layers(params))})"


def _shapes(net, input_size):
    return jax.eval_shape(lambda: net.init(jax.random.key(0), input_size))


def _layers(params):
    """Lists (name, layer) of params; a layer is a NamedTuple of arrays, or an array outside of one."""

    def is_layer(node):
        return hasattr(node, "_fields") and all(hasattr(leaf, "shape") for leaf in node)

    return [(_name(path), layer) for path, layer in jax.tree_util.tree_leaves_with_path(params, is_leaf=is_layer)]


def _kind(layer):
    return type(layer).__name__.removesuffix("Params") if hasattr(layer, "_fields") else "array"


def _width(layer):
    """Returns the number of units of a layer, or of its outputs."""
    if hasattr(layer, "w_h"):
        return layer.w_h.shape[0]
    return jax.tree.leaves(layer)[0].shape[-1] if jax.tree.leaves(layer)[0].shape else 1


def _size(leaves):
    return f"{sum(math.prod(leaf.shape) for leaf in leaves):,}"


def _total(params):
    return _size(jax.tree.leaves(params))


def _name(path):
    return jax.tree_util.keystr(path, simple=True, separator=".")
