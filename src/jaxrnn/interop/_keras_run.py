"""Runs Keras layers on random inputs. Imports Keras only then."""

from functools import partial

import numpy as np

from jaxrnn.interop import _verification
from jaxrnn.interop._comparison import ROWS, STEPS

KINDS = ("SimpleRNN", "LSTM", "GRU")


def verified(stack, parts, layers, name):
    """Returns the stack with its `output` set to the one that the Keras layers compute.

    Args:
      stack: a `Stack`.
      parts: a list of one model, or of layers to run in order.
      layers: the layers that the stack was read from.
      name: name of the source, for error messages.

    Raises:
      ValueError: if the layers do not compute what the stack computes.
    """
    steps, rows = _sizes(parts[0], layers, name)
    return _verification.verified(stack, partial(_run, parts, layers, stack, name), name, steps, rows)


def _sizes(first, layers, name):
    """Returns (steps, rows) of the inputs that a model or a first layer accepts."""
    shapes = [part.shape for part in getattr(first, "inputs", None) or []]
    if len(shapes) > 1:
        raise ValueError(f"from_keras: {name} has {len(shapes)} inputs, but a net has one")
    rows, steps = shapes[0][:2] if shapes else (None, None)
    states = [part.states[0].shape[0] for part in _stateful(layers)]
    return steps or STEPS, rows or next(iter(states), ROWS)


def _stateful(layers):
    """Lists the recurrent layers with `stateful=True`, including the ones inside a Bidirectional."""
    parts = [getattr(layer, name, None) for layer in layers for name in ("forward_layer", "backward_layer")]
    return [part for part in [*layers, *parts] if type(part).__name__ in KINDS and part.stateful]


def _run(parts, layers, stack, name, xs):
    """Runs the layers or the model from zero states and restores the states afterwards."""
    import keras

    hs = np.swapaxes(xs[..., 0] if stack.embedding is not None else xs, 0, 1)
    states = [state for part in _stateful(layers) for state in part.states]
    values = [keras.ops.convert_to_numpy(state) for state in states]
    try:
        for state in states:
            state.assign(np.zeros(state.shape))
        for part in parts:
            hs = part(hs)
            hs = hs[0] if isinstance(hs, list | tuple) else hs
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"from_keras: {name} must compute outputs from one sequence ({reason})") from error
    finally:
        for state, value in zip(states, values, strict=True):
            state.assign(value)
    ys = keras.ops.convert_to_numpy(hs)
    return np.swapaxes(ys, 0, 1) if ys.ndim == 3 else ys
