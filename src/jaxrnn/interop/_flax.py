"""Shared by Flax linen and nnx: kernels gate by gate, and functions recognised by their values."""

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
    """Returns the name in `names` of an activation function, recognised by its values.

    Raises:
      ValueError: if it is none of them.
    """
    values = np.asarray(function(jnp.asarray(PROBE)))
    for name in names:
        if values.shape == PROBE.shape and np.allclose(values, FUNCTIONS[name], atol=1e-5):
            return name
    raise ValueError(f"{where}: expected one of the activations {', '.join(names)}, found "
                     f"{getattr(function, '__name__', function)}")  # fmt: skip


def merge(function, where):
    """Returns the name of a function that merges the outputs of two directions, recognised by its values.

    Raises:
      ValueError: if jaxrnn does not have this function.
    """
    merged = np.asarray(function(jnp.array([2.0]), jnp.array([3.0]))).tolist()
    for name, expected in {"concat": [2, 3], "sum": [5], "mul": [6], "ave": [2.5]}.items():
        if merged == expected:
            return name
    raise ValueError(f"{where}: merge_fn must be a concatenation, sum, product or mean")


def cell_activation(cell, where):
    """Returns the activation of a SimpleCell, and "tanh" for a gated cell.

    Raises:
      ValueError: if a gated cell does not use sigmoid and tanh, or if the cell has an option without a counterpart.
    """
    if getattr(cell, "residual", False):
        raise ValueError(f"{where}: a SimpleCell with residual=True has no counterpart in jaxrnn")
    if not getattr(cell, "reset_gate", True):
        raise ValueError(f"{where}: an MGUCell with reset_gate=False has no counterpart in jaxrnn")
    if hasattr(cell, "gate_fn"):
        activation(cell.gate_fn, ["sigmoid"], where)
        return activation(cell.activation_fn, ["tanh"], where)
    return activation(cell.activation_fn, ["tanh", "relu", "linear"], where)


def require_same(directions, where):
    """Raises a ValueError if the two directions have different activations."""
    if directions[0].activation != directions[1].activation:
        raise ValueError(
            f"{where}: both directions need the same activation, found {directions[0].activation} and "
            f"{directions[1].activation}"
        )


def joined(kind, kernels_x, kernels_h, biases_x, biases_h):
    """Joins the arrays of all gates to a cell's params.

    Args:
      kind: the class of the params.
      kernels_x: input weights per gate, [D, H].
      kernels_h: recurrent weights per gate, [H, H].
      biases_x: input bias per gate, [H] or None.
      biases_h: recurrent bias per gate, [H] or None.
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
    """Splits a cell's params into {gate: (input weights, recurrent weights, bias)}. An Elman cell has one gate, ""."""
    names = GATES.get(type(params), [""])
    parts = [jnp.split(jnp.asarray(a), len(names), axis=-1) for a in (params.w_x, params.w_h, params.b)]
    return dict(zip(names, zip(*parts, strict=True), strict=True))


def recurrent_bias(params, framework):
    """Returns the recurrent bias b_hn of a GRU.

    Raises:
      ValueError: if the GRU applies its reset gate before the matrix product.
    """
    if params.b_hn is None:
        raise ValueError(f"{framework} has no GRU with reset=before")
    return jnp.asarray(params.b_hn)


def require_known(params, framework, kinds=(ElmanParams, LSTMParams, GRUParams)):
    """Raises a ValueError for a cell that the framework does not have."""
    if not isinstance(params, kinds):
        raise ValueError(f"{framework} has no {type(params).__name__.removesuffix('Params')} layer")
