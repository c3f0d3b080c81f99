"""Keras's layers run on inputs that are drawn here; Keras is imported when they are."""

from functools import partial

import numpy as np

from jaxrnn.interop import _verification
from jaxrnn.interop._comparison import ROWS, STEPS

KINDS = ("SimpleRNN", "LSTM", "GRU")


def verified(found, parts, layers, name):
    """The stack with the output that Keras's layers give.

    Args:
      found: a `Stack`.
      parts: a model, or layers to run one after the other.
      layers: those that the stack was read from.
      name: of the source, for errors.

    Raises:
      ValueError: if they compute something else than the stack.
    """
    steps, rows = _sizes(parts[0], layers, name)
    return _verification.verified(found, partial(_computed, parts, layers, found, name), name, steps, rows)


def _sizes(first, layers, name):
    """(steps, rows) of the inputs that a model or a first layer takes."""
    shapes = [part.shape for part in getattr(first, "inputs", None) or []]
    if len(shapes) > 1:
        raise ValueError(f"from_keras: {name} has {len(shapes)} inputs; a net has one")
    rows, steps = shapes[0][:2] if shapes else (None, None)
    states = [part.states[0].shape[0] for part in _stateful(layers)]
    return steps or STEPS, rows or next(iter(states), ROWS)


def _stateful(layers):
    """The recurrent layers that keep their states from call to call, those inside a Bidirectional too."""
    parts = [getattr(layer, way, None) for layer in layers for way in ("forward_layer", "backward_layer")]
    return [part for part in [*layers, *parts] if type(part).__name__ in KINDS and part.stateful]


def _computed(parts, layers, found, name, xs):
    """What layers or a model give from their initial states; the states are afterwards what they were."""
    import keras

    hs = np.swapaxes(xs[..., 0] if found.embedding is not None else xs, 0, 1)
    states = [state for part in _stateful(layers) for state in part.states]
    values = [keras.ops.convert_to_numpy(state) for state in states]
    try:
        for state in states:
            state.assign(np.zeros(state.shape))
        for part in parts:
            hs = part(hs)
            hs = hs[0] if isinstance(hs, list | tuple) else hs
    except (TypeError, ValueError) as error:
        told = " ".join(str(error).split())[:200]
        raise ValueError(f"from_keras: {name} does not turn a sequence alone into outputs ({told})") from error
    finally:
        for state, value in zip(states, values, strict=True):
            state.assign(value)
    ys = keras.ops.convert_to_numpy(hs)
    return np.swapaxes(ys, 0, 1) if ys.ndim == 3 else ys
