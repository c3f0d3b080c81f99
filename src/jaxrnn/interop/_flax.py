"""What Flax linen and nnx share: a cell's kernels gate by gate, and functions known by their values."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.cells.mgu import MGUParams

GATES = {LSTMParams: "ifgo", GRUParams: "rzn", MGUParams: "fn"}
PROBE = np.array([-9, -3, -0.7, 0.4, 3, 9], np.float32)
FUNCTIONS = {"tanh": np.tanh(PROBE), "relu": np.maximum(PROBE, 0), "linear": PROBE, "sigmoid": 1 / (1 + np.exp(-PROBE))}


def activation(function, names, where):
    """The name of a function among `names`, by its values.

    Raises:
      ValueError: if it is none of them.
    """
    found = np.asarray(function(jnp.asarray(PROBE)))
    for name in names:
        if found.shape == PROBE.shape and np.allclose(found, FUNCTIONS[name], atol=1e-5):
            return name
    raise ValueError(f"{where}: the activation {getattr(function, '__name__', function)} is none of {', '.join(names)}")


def merge(function, where):
    """The name of a function that merges the outputs of two directions, by its values.

    Raises:
      ValueError: if there is no such merge.
    """
    found = np.asarray(function(jnp.array([2.0]), jnp.array([3.0]))).tolist()
    for name, values in {"concat": [2, 3], "sum": [5], "mul": [6], "ave": [2.5]}.items():
        if found == values:
            return name
    raise ValueError(f"{where}: merge_fn is no concatenation, sum, product or mean")


def cell_activation(cell, where):
    """The activation of a SimpleCell; "tanh" for cells with gates.

    Raises:
      ValueError: for activations of gates that are others than sigmoid and tanh, or a residual SimpleCell.
    """
    if getattr(cell, "residual", False):
        raise ValueError(f"{where}: a SimpleCell with residual=True has no counterpart here")
    if not getattr(cell, "reset_gate", True):
        raise ValueError(f"{where}: an MGUCell with reset_gate=False has no counterpart here")
    if hasattr(cell, "gate_fn"):
        activation(cell.gate_fn, ["sigmoid"], where)
        return activation(cell.activation_fn, ["tanh"], where)
    return activation(cell.activation_fn, ["tanh", "relu", "linear"], where)


def require_same(directions, where):
    """Raises ValueError for two directions with different activations."""
    if directions[0].activation != directions[1].activation:
        raise ValueError(
            f"{where}: the two directions have the activations {directions[0].activation} and "
            f"{directions[1].activation}; one is needed"
        )


def joined(kind, kernels_x, kernels_h, biases_x, biases_h):
    """A cell's params.

    Args:
      kind: the class of the params.
      kernels_x, kernels_h: [D, H] and [H, H] a gate.
      biases_x, biases_h: [H] a gate, or None where there is none.
    """
    size = kernels_h[0].shape[1]
    zeros = jnp.zeros(size, kernels_h[0].dtype)
    biases_x, biases_h = ([zeros if b is None else jnp.asarray(b) for b in bs] for bs in (biases_x, biases_h))
    w_x, w_h = (jnp.concatenate([jnp.asarray(k) for k in ks], axis=1) for ks in (kernels_x, kernels_h))
    if kind in (GRUParams, MGUParams):
        b = jnp.concatenate([*(x + h for x, h in zip(biases_x[:-1], biases_h[:-1], strict=True)), biases_x[-1]])
        return kind(w_x, w_h, b, biases_h[-1])
    return kind(w_x, w_h, jnp.concatenate([x + h for x, h in zip(biases_x, biases_h, strict=True)]))


def split(params):
    """{gate: (kernel of the input, of the recurrence, bias)} of a cell's params; one gate "" of an Elman cell."""
    names = GATES.get(type(params), [""])
    parts = [jnp.split(jnp.asarray(a), len(names), axis=-1) for a in (params.w_x, params.w_h, params.b)]
    return dict(zip(names, zip(*parts, strict=True), strict=True))


def recurrent_bias(params, framework):
    """b_hn of a GRU.

    Raises:
      ValueError: for a GRU that resets before the product.
    """
    if params.b_hn is None:
        raise ValueError(f"{framework} has no GRU that resets before the product (reset=before)")
    return jnp.asarray(params.b_hn)


def require_known(params, framework, kinds=(ElmanParams, LSTMParams, GRUParams)):
    """Raises ValueError for a cell that the framework does not have."""
    if not isinstance(params, kinds):
        raise ValueError(f"{framework} has no {type(params).__name__.removesuffix('Params')} layer")
