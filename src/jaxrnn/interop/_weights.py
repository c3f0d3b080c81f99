"""Converts the arrays of a library's cell to the params of a cell and back, by a `Format` of names and orders."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxrnn.interop._stack import KINDS


class Format(NamedTuple):
    """The arrays in which a library stores one kind of cell.

    An array's name that contains `{gate}` stands for one array per gate.

    Fields:
      kind: name of the cell in `KINDS`.
      modules: names of the library's classes for this cell. An export creates the first one.
      w_x, w_h: names of the input weights and of the recurrent weights. If they are equal, one array contains both,
        first the rows of the inputs.
      b_x: name of the bias.
      b_h: name of the bias that is added to the product of the recurrent weights, or None.
      gates: order of the gates in the library; empty for our order.
      negated: gates that the library computes with the opposite sign.
      forget_bias: value that the library adds to the bias of the forget gate.
      candidate_only: whether `b_h` has only the columns of the candidate.
      variants: values of the cell's option (`Kind.option`) that the library has; empty for all.
    """

    kind: str
    modules: tuple[str, ...]
    w_x: str
    w_h: str
    b_x: str
    b_h: str | None = None
    gates: str = ""
    negated: str = ""
    forget_bias: float = 0.0
    candidate_only: bool = False
    variants: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str | None, ...]:
        """Names of the input weights, the recurrent weights, the bias and the second bias."""
        return self.w_x, self.w_h, self.b_x, self.b_h

    @property
    def stored_gates(self) -> str:
        """Gates of a whole array in the library's order."""
        return self.gates or KINDS[self.kind].gates


def array(value: Any, name: str) -> Any:
    """Converts a tensor or an array to a JAX array of float32 or higher precision.

    Raises:
      ValueError: if it does not contain numbers.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.dtype.itemsize == 2 and value.is_floating_point() else value
    try:
        value = np.asarray(value)
        return jnp.asarray(value.astype(np.float32) if value.dtype.itemsize == 2 else value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected an array of numbers, found a {type(value).__name__}") from error


def params_of(layout: Format, arrays: Mapping[str, Any], label: Callable[[str], str] = str) -> Any:
    """Converts a cell's arrays to its params. A missing bias counts as zeros.

    Args:
      layout: the `Format` of the arrays.
      arrays: {name: array}, weights [in, out].
      label: (name) -> name of an array in messages.

    Raises:
      ValueError: if a weight is missing, or the shape of an array does not fit the recurrent weights.
    """
    kind = KINDS[layout.kind]
    w_x, w_h, b_x, b_h = (_read(layout, arrays, name, label) for name in layout.names)
    for name, blocks in ((layout.w_x, w_x), (layout.w_h, w_h)):
        if blocks.keys() != set(kind.gates) or any(block.ndim != 2 for block in blocks.values()):
            raise ValueError(f"{label(name)} is missing or has no rows and columns")
    size = w_h[kind.gates[0]].shape[1]
    if layout.w_x == layout.w_h:
        w_x, w_h = ({gate: block[rows] for gate, block in w_x.items()} for rows in (slice(-size), slice(-size, None)))
    shapes = ((len(w_x[kind.gates[0]]), size), (size, size), (size,), (size,))
    for name, blocks, shape in zip(layout.names, (w_x, w_h, b_x, b_h), shapes, strict=True):
        _require_shape(blocks, shape, name and label(name), label(layout.w_h))
    zeros = jnp.zeros(size, w_h[kind.gates[0]].dtype)
    b_x, b_h = ({gate: blocks.get(gate, zeros) for gate in kind.gates} for blocks in (b_x, b_h))
    if layout.forget_bias:
        b_x["f"] += layout.forget_bias
    second_bias = {}
    if "b_hn" in kind.params._fields:
        second_bias["b_hn"] = None if layout.b_h is None else b_h[kind.gates[-1]]
        b_h[kind.gates[-1]] = zeros
    b = {gate: b_x[gate] + b_h[gate] for gate in kind.gates}
    return kind.params(*(_joined(blocks, kind.gates) for blocks in (w_x, w_h, b)), **second_bias)


def arrays_of(layout: Format, params: Any) -> dict[str, Any]:
    """Converts a cell's params to the arrays {name: array} of a library, weights [in, out]."""
    gates = KINDS[layout.kind].gates
    w_x, w_h, b_x = (_split(jnp.asarray(a), gates) for a in (params.w_x, params.w_h, params.b))
    b_h = {gate: jnp.zeros_like(block) for gate, block in b_x.items()}
    if getattr(params, "b_hn", None) is not None:
        b_h[gates[-1]] = jnp.asarray(params.b_hn)
    if layout.forget_bias:
        b_x["f"] -= layout.forget_bias
    if layout.w_x == layout.w_h:
        w_x = w_h = {gate: jnp.concatenate([w_x[gate], w_h[gate]]) for gate in gates}
    arrays = {}
    for name, blocks in zip(layout.names, (w_x, w_h, b_x, b_h), strict=True):
        blocks = {gate: -block if gate in layout.negated else block for gate, block in blocks.items()}
        if name is not None and "{gate}" in name:
            arrays |= {name.format(gate=gate): block for gate, block in blocks.items()}
        elif name is not None:
            stored = gates[-1] if layout.candidate_only and name == layout.b_h else layout.stored_gates
            arrays[name] = _joined(blocks, stored)
    return arrays


def _read(layout, arrays, name, label):
    """Returns {gate: its columns} of an array, without the gates that have no array."""
    gates = KINDS[layout.kind].gates
    if name is not None and "{gate}" in name:
        blocks = {gate: arrays[name.format(gate=gate)] for gate in gates if name.format(gate=gate) in arrays}
    elif name not in arrays:
        return {}
    else:
        stored = gates[-1] if layout.candidate_only and name == layout.b_h else layout.stored_gates
        shape = arrays[name].shape
        if not shape or shape[-1] % len(stored):
            raise ValueError(f"{label(name)} has the shape {shape}: expected a multiple of {len(stored)} columns")
        blocks = _split(arrays[name], stored)
    return {gate: -block if gate in layout.negated else block for gate, block in blocks.items()}


def _split(a, gates):
    return dict(zip(gates, jnp.split(a, len(gates), axis=-1), strict=True))


def _joined(blocks, gates):
    return jnp.concatenate([blocks[gate] for gate in gates], axis=-1)


def _require_shape(blocks, shape, name, reference):
    for block in blocks.values():
        if block.shape != shape:
            actual, expected = ((*s[:-1], len(blocks) * s[-1]) for s in (block.shape, shape))
            raise ValueError(f"{name} has the shape {actual}: expected {expected} to fit {reference}")
