"""Converts Flax nnx's recurrent layers to nets, and nets to nnx modules.

In nnx an LSTMCell has two `Linear`s per gate. Every other cell has one `Linear` for the inputs and one for the
recurrence.
"""

from functools import partial
from typing import Any

import jax.numpy as jnp
from flax import nnx
from flax.traverse_util import unflatten_dict

from jaxrnn.interop import _flax
from jaxrnn.interop._library import Library, exported, modules_of, net_of_parts
from jaxrnn.interop._weights import Format
from jaxrnn.types import Net, Params

DENSE = ("dense_i/kernel", "dense_h/kernel")
LIBRARY = Library(
    name="nnx",
    reader="from_nnx",
    expected=_flax.EXPECTED.format("Linear"),
    cells=(
        Format("LSTM", ("OptimizedLSTMCell",), *DENSE, "dense_h/bias"),
        Format("LSTM", ("LSTMCell",), *_flax.PER_GATE, "h{gate}/bias"),
        Format("GRU", ("GRUCell",), *DENSE, "dense_i/bias", "dense_h/bias", variants=("after",)),
        Format("Elman", ("SimpleCell",), *DENSE, "dense_i/bias"),
    ),
    embedding=("Embed", "embedding"),
    readout=("Linear", "kernel", "bias"),
)


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
    try:
        modules = _listed(module)
    except RecursionError as error:
        raise ValueError("from_nnx: the modules are nested too deeply") from error
    parts = [_flax.part(LIBRARY, part, _arrays(part)) for part in modules]
    return net_of_parts(LIBRARY, parts, partial(_run, modules), type(module).__name__)


def _listed(module):
    if isinstance(module, nnx.Sequential):
        module = list(module.layers)
    return [part for child in module for part in _listed(child)] if isinstance(module, list | tuple) else [module]


def _arrays(module):
    """Returns the params of a module as {path: array}. nnx names the forget gate's Linear if_."""
    params = nnx.to_pure_dict(nnx.state(module, nnx.Param)) if isinstance(module, nnx.Module) else {}
    return {name.replace("if_/", "if/"): a for name, a in _flax.flat(params).items()}


def _run(modules, xs):
    """Runs the modules in order."""
    hs = jnp.asarray(xs)
    for module in modules:
        module = nnx.RNN(module) if isinstance(module, nnx.RNNCellBase) else module
        hs = _flax.run(module, module, hs)
    return hs


def to_nnx(net: Net, params: Params) -> nnx.Sequential:
    """Converts a net to an nnx module that computes the same outputs. Arguments and errors: see `jaxrnn.interop`.

    Returns:
      An `nnx.Sequential` of `nnx.RNN`, `nnx.Bidirectional`, `nnx.Embed` and `nnx.Linear`. It is batch-major: xs
      [B, T, D], or symbols [B, T], -> ys [B, T, K]. A GRUCell gets a recurrent bias, which nnx itself leaves out.
    """

    def make(spec):
        # dtype=None computes in the dtype of the arrays; the weights that rngs draws are replaced.
        options = _flax.options_of(spec) | {"dtype": None, "rngs": nnx.Rngs(0)}
        module = getattr(nnx, spec.module)(*spec.sizes, **options)
        if isinstance(module, nnx.GRUCell):
            module.dense_h = nnx.Linear(*spec.arrays["dense_h/kernel"].shape, **options)
        nnx.update(module, unflatten_dict(spec.arrays, sep="/"))
        return module

    def recurrent(layer, cells):
        return _flax.recurrent(nnx, layer, cells)

    return nnx.Sequential(*modules_of(LIBRARY, exported(LIBRARY, net, params), make, recurrent))
