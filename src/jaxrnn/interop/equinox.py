"""Converts Equinox's recurrent cells to nets, and nets to Equinox cells. Only `to_equinox` imports Equinox.

Equinox has cells but no layers: its users write the scan over time.
"""

from functools import partial
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.interop._library import Library, Part, exported, layer_of, modules_of, net_of_parts, part_of
from jaxrnn.interop._weights import Format
from jaxrnn.types import Net, Params

ARRAYS = ("weight_ih", "weight_hh", "bias")
LIBRARY = Library(
    name="Equinox",
    reader="from_equinox",
    expected="an Embedding, then LSTMCells, GRUCells or pairs of them, then one Linear; give the parts of your own "
    "module in a list",
    cells=(
        Format("LSTM", ("LSTMCell",), *ARRAYS),
        Format("GRU", ("GRUCell",), *ARRAYS, "bias_n", candidate_only=True, variants=("after",)),
    ),
    embedding=("Embedding", "weight"),
    readout=("Linear", "weight", "bias"),
    transposed=True,
    merges=("concat",),
)


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
    modules = source if isinstance(source, list) else [source]
    return net_of_parts(LIBRARY, map(_part, modules), partial(_run, modules), type(source).__name__)


def _part(module):
    if isinstance(module, tuple):
        return layer_of(LIBRARY, map(_part, module)) if len(module) == 2 else Part(f"tuple of {len(module)}")
    arrays = {name: a for name, a in getattr(module, "__dict__", {}).items() if hasattr(a, "shape")}
    return part_of(LIBRARY, type(module).__name__, arrays)


def _run(modules, xs):
    """Runs the modules in order. The cells start from a zero state."""
    hs = jnp.asarray(xs)
    for module in modules:
        if isinstance(module, tuple):
            hs = jnp.concatenate([_scan(module[0], hs), _scan(module[1], hs[::-1])[::-1]], axis=-1)
        else:
            hs = _scan(module, hs) if hasattr(module, "weight_hh") else jax.vmap(jax.vmap(module))(hs)
    return hs


def _scan(cell, xs):
    zeros = jnp.zeros((xs.shape[1], cell.weight_hh.shape[1]), xs.dtype)
    is_lstm = type(cell).__name__ == "LSTMCell"

    def step(state, x):
        state = jax.vmap(cell)(x, state)
        return state, state[0] if is_lstm else state

    return jax.lax.scan(step, (zeros, zeros) if is_lstm else zeros, xs)[1]


def to_equinox(net: Net, params: Params) -> list[Any]:
    """Converts a net to Equinox cells that compute the same outputs. Arguments and errors: see `jaxrnn.interop`.

    Returns:
      A list in the form that `from_equinox` accepts: an `eqx.nn.Embedding` if the inputs are symbols; layers, each a
      cell or a pair of cells for two directions; an `eqx.nn.Linear` if there is a readout.
    """
    eqx = import_module("equinox")  # pyright takes `import equinox` for this file where Equinox is not installed

    def make(spec):
        module = getattr(eqx.nn, spec.module)(*spec.sizes, key=jax.random.key(0))
        return eqx.tree_at(lambda m: [getattr(m, name) for name in spec.arrays], module, list(spec.arrays.values()))

    def recurrent(layer, cells):
        return cells[0] if len(cells) == 1 else tuple(cells)

    return modules_of(LIBRARY, exported(LIBRARY, net, params), make, recurrent)
