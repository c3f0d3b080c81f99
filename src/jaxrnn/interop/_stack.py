"""What a net of recurrent layers is made of, in no framework's terms: between every framework and a net.

A framework's file reads its modules into a `Stack` and writes a `Stack` as its modules; `net` and `stack` go between a
`Stack` and our nets.
"""

from itertools import product
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn import nets
from jaxrnn.cells import elman, gru, lstm, mgu
from jaxrnn.cells._transforms import LearnedParams
from jaxrnn.interop._comparison import inputs, outputs, same
from jaxrnn.nets.combine import MERGES
from jaxrnn.nets.layers import AffineParams, EmbedParams

CELLS = (elman.ElmanParams, lstm.LSTMParams, gru.GRUParams, mgu.MGUParams)
ACTIVATIONS = ("tanh", "relu", "linear")
OUTPUTS = ("every", "last", "ends")


class Layer(NamedTuple):
    """One recurrent layer.

    Fields:
      forward: params of its cell, one of `CELLS`.
      backward: those of the direction from the last step to the first, or None.
      activation: of an Elman cell.
      merge: how the outputs of two directions become one.
      dropout: rate of a dropout of the layer's inputs in training; 0 for none.
    """

    forward: Any
    backward: Any = None
    activation: Literal["tanh", "relu", "linear"] = "tanh"
    merge: Literal["concat", "sum", "mul", "ave"] = "concat"
    dropout: float = 0.0

    @property
    def directions(self):
        """The params of one direction, or of both."""
        return [self.forward] if self.backward is None else [self.forward, self.backward]

    @property
    def size(self):
        """H, of one direction."""
        return self.forward.w_h.shape[0]


class Stack(NamedTuple):
    """Recurrent layers one after the other.

    Fields:
      layers: `Layer`s.
      readout: `AffineParams`, or None.
      embedding: a vector for each symbol [vocabulary, E], where the inputs are symbols, or None.
      dropout: rate of a dropout before the readout in training; 0 for none.
      output: "every" step's; "last", that of the last step; "ends", the last step of the forward direction beside the
        first of the backward one, of the last layer.
    """

    layers: tuple
    readout: Any = None
    embedding: Any = None
    dropout: float = 0.0
    output: Literal["every", "last", "ends"] = "every"


def net(stack):
    """(the `Net` of a stack, its params).

    Raises:
      ValueError: if a layer does not take what the one before it gives.
    """
    require_widths(stack)
    parts, params = [], []
    if stack.embedding is not None:
        parts.append(nets.embed(*stack.embedding.shape))
        params.append(EmbedParams(stack.embedding))
    for number, layer in enumerate(stack.layers):
        if layer.dropout:
            parts.append(nets.dropout(layer.dropout))
            params.append(())
        ends = stack.output == "ends" and number == len(stack.layers) - 1
        parts.append(_net_of_layer(layer, ends))
        params.append(
            layer.forward if layer.backward is None else nets.BidirectionalParams(layer.forward, layer.backward)
        )
    if stack.dropout:
        parts.append(nets.dropout(stack.dropout))
        params.append(())
    if stack.readout is not None:
        parts.append(nets.affine(stack.readout.w.shape[1]))
        params.append(stack.readout)
    made = nets.serial(*parts)
    return nets.last(made) if stack.output == "last" else made, jax.tree.map(jnp.asarray, tuple(params))


def _net_of_layer(layer, ends):
    if len({(type(direction), direction.w_h.shape) for direction in layer.directions}) > 1:
        raise ValueError("the two directions of a layer are of different kinds or sizes")
    forward = nets.recurrent(_cell(layer.forward, layer.activation))
    if layer.backward is None:
        return forward
    backward = nets.recurrent(_cell(layer.backward, layer.activation), reverse=True)
    if ends:
        forward, backward = nets.last(forward), nets.first(backward)
    return nets.bidirectional(forward, backward, layer.merge)


def _cell(params, activation):
    size = params.w_h.shape[0]
    if isinstance(params, elman.ElmanParams):
        return elman.cell(size, activation)
    if isinstance(params, gru.GRUParams):
        return gru.cell(size, "before" if params.b_hn is None else "after")
    return (lstm if isinstance(params, lstm.LSTMParams) else mgu).cell(size)


def stack(given, params, to):
    """The `Stack` that computes what a net computes.

    What the params do not say, such as an activation, is found by comparing outputs on random inputs.

    Args:
      given: a `Net`.
      params: its params.
      to: the name of the framework, for errors.

    Raises:
      ValueError: if no stack computes it; the error names what the framework has no layer for.
    """
    if given.plain is not None:
        given, params = given.plain.net, given.plain.weights(params)
    for found in _parts(params, to):
        xs = inputs(found)
        try:
            ys = outputs(given, params, xs)
        except (TypeError, ValueError):  # symbols for a net that reads values, or the reverse
            continue
        for candidate in _candidates(found):
            other, weights = net(candidate)
            # A net for one target per sequence has both ends at its last step: one output tells all that counts.
            expected = ys[-1:] if candidate.output == "ends" else ys
            if same(outputs(other, weights, xs), expected):
                return candidate
    raise ValueError(
        f"{to} has no layers for this network: with these weights its outputs are not those of plain recurrent layers "
        "one after the other; a residual connection, zoneout or a changed cell has no counterpart there"
    )


def _parts(params, to):
    """The `Stack`s that the params may be of, with every choice at its default."""
    listed = _flat(params)
    readout, embedding, layers = None, None, []
    for number, part in enumerate(listed):
        both = isinstance(part, nets.BidirectionalParams)
        if isinstance(part, AffineParams) and number == len(listed) - 1 and layers:
            readout = part
        elif isinstance(part, EmbedParams) and not layers:
            embedding = part.w
        elif both or isinstance(part, CELLS):
            directions = [_one(direction) for direction in (part if both else [part])]
            for direction in directions:
                _require_cell(direction, to)
            layers.append(Layer(*directions))
        elif part != ():  # dropout and one-hot inputs have no params
            _require_cell(part, to)
    if not layers:
        raise ValueError(f"{to}: the network has no recurrent layers")
    found = Stack(tuple(layers), readout, embedding)
    if listed[0] != () or embedding is not None:
        return [found]
    first = layers[0].forward.w_x  # behind a dropout, or behind one-hot symbols
    return [found, found._replace(embedding=jnp.eye(first.shape[0], dtype=first.dtype))]


def _flat(params):
    """The parts of nets one after the other, in tuples in tuples or not."""
    if type(params) is not tuple or params == ():
        return [params]
    return [part for each in params for part in _flat(each)]


def _one(part):
    """The part itself, or what a tuple of one holds."""
    return part[0] if type(part) is tuple and len(part) == 1 else part


def _require_cell(part, to):
    if isinstance(part, LearnedParams):
        raise ValueError(f"{to} has no learned initial carry; jaxrnn.rnn(learned_carry=False) has none either")
    if not isinstance(part, CELLS):
        name = type(part).__name__.removesuffix("Params")
        raise ValueError(f"{to} has no counterpart of {name}; there are those of Elman, LSTM and GRU layers")


def _candidates(found):
    """The stacks with these weights, the likeliest first."""
    relu = any(isinstance(p, elman.ElmanParams) for layer in found.layers for p in layer.directions)
    both = any(layer.backward is not None for layer in found.layers)
    outputs = OUTPUTS if found.layers[-1].backward is not None else OUTPUTS[:2]
    for output, merge, activation in product(
        outputs, MERGES if both else ("concat",), ACTIVATIONS if relu else ACTIVATIONS[:1]
    ):
        layers = tuple(layer._replace(activation=activation, merge=merge) for layer in found.layers)
        candidate = found._replace(layers=layers, output=output)
        if all(width == needed for width, needed, _ in _widths(candidate)):
            yield candidate


def _widths(stack):
    """[(outputs of a part, inputs of the next one, the name of that next one)]."""
    widths = [] if stack.embedding is None else [stack.embedding.shape[1]]
    widths += [layer.size * (len(layer.directions) if layer.merge == "concat" else 1) for layer in stack.layers]
    needed = [(layer.forward.w_x.shape[0], f"recurrent layer {i + 1}") for i, layer in enumerate(stack.layers)]
    needed = needed[stack.embedding is None :]
    needed += [] if stack.readout is None else [(stack.readout.w.shape[0], "the readout")]
    return [(width, *need) for width, need in zip(widths, needed, strict=False)]


def require_widths(stack):
    """Raises ValueError if a layer does not take what the one before it gives."""
    for width, needed, name in _widths(stack):
        if width != needed:
            raise ValueError(
                f"{name} takes {needed} inputs, but the part before it gives {width} outputs; these are not layers one "
                "after the other"
            )
