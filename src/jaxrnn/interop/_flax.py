"""Reads and writes the layers of Flax linen and of nnx, whose modules and arrays have the same names."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells.step import ACTIVATIONS
from jaxrnn.interop._library import layer_of, part_of
from jaxrnn.nets.combine import MERGES

FUNCTIONS = ACTIVATIONS | {"sigmoid": jax.nn.sigmoid}
PROBE = (-9.0, -3.0, -0.7, 0.4, 3.0, 9.0)  # tells these functions and their clipped versions apart
EXPECTED = (
    "an Embed, then RNN or Bidirectional layers or cells, then one {}; give the layers of your own module in a list"
)
PER_GATE = ("i{gate}/kernel", "h{gate}/kernel")
WRAPPERS = ("RNN", "Bidirectional")


def part(library, module, arrays):
    """Describes a module with its arrays {path: array}.

    Raises:
      ValueError: if an option of a recurrent module has no counterpart in jaxrnn.
    """
    name = class_name(module, (*WRAPPERS, library.embedding[0], library.readout[0], *library.modules))
    if name == "Bidirectional":
        rnns = ((getattr(module, path), _within(arrays, path)) for path in ("forward_rnn", "backward_rnn"))
        cells = [part(library, rnn.cell, _within(rnn_arrays, "cell")) for rnn, rnn_arrays in rnns]
        return layer_of(library, cells, _merge(module.merge_fn, library.reader))
    if name == "RNN" and module.reverse:
        raise ValueError(f"{library.reader}: an RNN with reverse=True is supported only inside a Bidirectional")
    if name == "RNN":
        return part(library, module.cell, _within(arrays, "cell"))
    activation = _cell_activation(module, library.reader) if name in library.modules else "tanh"
    return part_of(library, name, arrays, activation)


def flat(params):
    """Flattens nested dicts of arrays to {path: array}."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): a for path, a in leaves}


def class_name(module, names):
    """Returns the name of the first class of a module, or of a class it is derived from, that is in `names`."""
    classes = [kind.__name__ for kind in type(module).__mro__]
    return next((name for name in classes if name in names), classes[0])


def _within(arrays, path):
    """Selects the arrays of a part of a module."""
    return {name.removeprefix(f"{path}/"): a for name, a in arrays.items() if name.startswith(f"{path}/")}


def _activation(function, names, reader):
    """Returns the name in `names` of an activation function, recognised by its values."""
    probe = jnp.array(PROBE, "float32")
    values = np.asarray(function(probe))
    for name in names:
        if values.shape == probe.shape and np.allclose(values, FUNCTIONS[name](probe), atol=1e-5):
            return name
    raise ValueError(
        f"{reader}: expected one of the activations {', '.join(names)}, found {getattr(function, '__name__', function)}"
    )


def _merge(function, reader):
    """Returns the name of a function that merges the outputs of two directions, recognised by its values."""
    ahead, behind = jnp.array([2.0]), jnp.array([3.0])
    for name, merge in MERGES.items():
        if np.array_equal(function(ahead, behind), merge(ahead, behind)):
            return name
    raise ValueError(f"{reader}: merge_fn must be a concatenation, sum, product or mean")


def _cell_activation(cell, reader):
    """Returns the activation of a SimpleCell, and "tanh" for a gated cell, which must use sigmoid and tanh."""
    for option, value in (("residual", False), ("reset_gate", True)):
        if getattr(cell, option, value) != value:
            raise ValueError(
                f"{reader}: a {type(cell).__name__} with {option}={not value} has no counterpart in jaxrnn"
            )
    if hasattr(cell, "gate_fn"):
        _activation(cell.gate_fn, ["sigmoid"], reader)
        return _activation(cell.activation_fn, ["tanh"], reader)
    return _activation(cell.activation_fn, ["tanh", "relu", "linear"], reader)


def run(call: Any, module: Any, hs: Any) -> Any:
    """Runs a module on a time-major sequence; `call` is its function (inputs, **options) -> outputs."""
    is_recurrent = class_name(module, WRAPPERS) in WRAPPERS
    return call(hs, **({"time_major": True, "return_carry": False} if is_recurrent else {}))


def options_of(spec):
    """Returns the options of a module to be created."""
    options = {"param_dtype": next(iter(spec.arrays.values())).dtype}
    return options | ({} if spec.activation is None else {"activation_fn": ACTIVATIONS[spec.activation]})


def recurrent(flax, layer, cells):
    """Joins the cells of a layer with the classes of `flax.linen` or `flax.nnx`."""
    rnns = [flax.RNN(cell) for cell in cells]
    options = {} if layer.merge == "concat" else {"merge_fn": MERGES[layer.merge]}
    return rnns[0] if len(rnns) == 1 else flax.Bidirectional(*rnns, **options)
