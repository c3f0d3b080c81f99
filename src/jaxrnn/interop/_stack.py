"""Describes a net of recurrent layers independently of any library.

Each library has a file that converts its modules to a `Stack` and a `Stack` to its modules. Here `net` converts a
`Stack` to a net, and `stack` converts a net to a `Stack`.
"""

from itertools import product
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn import nets
from jaxrnn.cells import elman, gru, lstm, mgu
from jaxrnn.cells.transforms import LearnedParams
from jaxrnn.interop._comparison import inputs, outputs, same
from jaxrnn.nets.combine import MERGES
from jaxrnn.nets.layers import AffineParams, EmbedParams

CELLS = (elman.ElmanParams, lstm.LSTMParams, gru.GRUParams, mgu.MGUParams)
ACTIVATIONS = ("tanh", "relu", "linear")
OUTPUTS = ("every", "last", "ends")


class Layer(NamedTuple):
    """One recurrent layer.

    Fields:
      forward: params of the cell that runs forward in time, of a class in `CELLS`.
      backward: params of the cell that runs backward in time, or None.
      activation: activation function of an Elman cell.
      merge: operation that merges the outputs of two directions.
      dropout: dropout rate of the layer's inputs during training; 0 for no dropout.
    """

    forward: Any
    backward: Any = None
    activation: Literal["tanh", "relu", "linear"] = "tanh"
    merge: Literal["concat", "sum", "mul", "ave"] = "concat"
    dropout: float = 0.0

    @property
    def directions(self):
        """List of the params of one or both directions."""
        return [self.forward] if self.backward is None else [self.forward, self.backward]

    @property
    def size(self):
        """Hidden size H of one direction."""
        return self.forward.w_h.shape[0]


class Stack(NamedTuple):
    """Stack of recurrent layers.

    Fields:
      layers: `Layer`s in order.
      readout: `AffineParams`, or None.
      embedding: one vector per symbol [vocabulary, E] if the inputs are symbols, or None.
      dropout: dropout rate before the readout during training; 0 for no dropout.
      output: steps whose outputs are returned: "every" step, the "last" step, or "ends". "ends" joins the last layer's
        last step of the forward direction and first step of the backward direction.
    """

    layers: tuple
    readout: Any = None
    embedding: Any = None
    dropout: float = 0.0
    output: Literal["every", "last", "ends"] = "every"


def net(stack):
    """Converts a stack to (`Net`, params).

    Raises:
      ValueError: if the input size of a layer is not the output size of the layer before it.
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
    whole = nets.serial(*parts)
    return nets.last(whole) if stack.output == "last" else whole, jax.tree.map(jnp.asarray, tuple(params))


def _net_of_layer(layer, ends):
    if len({(type(direction), direction.w_h.shape) for direction in layer.directions}) > 1:
        raise ValueError("both directions of a layer must have the same kind of cell and the same size")
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


def stack(source, params, to):
    """Finds the `Stack` that computes the same outputs as a net.

    The params do not contain everything: an activation, for example, is found by comparing outputs on random inputs.

    Args:
      source: a `Net`.
      params: its params.
      to: the name of the framework, for error messages.

    Raises:
      ValueError: if no stack computes the outputs. The message names what the framework has no layer for.
    """
    if source.explicit_weights is not None:
        source, params = source.explicit_weights.net, source.explicit_weights.weights(params)
    for default in _defaults(params, to):
        xs = inputs(default)
        try:
            ys = outputs(source, params, xs)
        except (TypeError, ValueError):  # symbols for a net that reads values, or values for one that reads symbols
            continue
        for candidate in _candidates(default):
            other, weights = net(candidate)
            # A net with one target per sequence returns both ends at its last step, so only that step is compared.
            expected = ys[-1:] if candidate.output == "ends" else ys
            if same(outputs(other, weights, xs), expected):
                return candidate
    raise ValueError(
        f"{to} has no layers for this network: expected a stack of plain recurrent layers, but with these weights the "
        "outputs differ; residual connections, zoneout and changed cells cannot be converted"
    )


def _defaults(params, to):
    """Lists the `Stack`s that may have these params, each with default activation, merge and output."""
    parts = _flat(params)
    readout, embedding, layers = None, None, []
    for number, part in enumerate(parts):
        is_bidirectional = isinstance(part, nets.BidirectionalParams)
        if isinstance(part, AffineParams) and number == len(parts) - 1 and layers:
            readout = part
        elif isinstance(part, EmbedParams) and not layers:
            embedding = part.w
        elif is_bidirectional or isinstance(part, CELLS):
            directions = [_unwrapped(direction) for direction in (part if is_bidirectional else [part])]
            for direction in directions:
                _require_cell(direction, to)
            layers.append(Layer(*directions))
        elif part != ():  # dropout and one-hot inputs have no params
            _require_cell(part, to)
    if not layers:
        raise ValueError(f"{to}: the network has no recurrent layers")
    default = Stack(tuple(layers), readout, embedding)
    if parts[0] != () or embedding is not None:
        return [default]
    w_x = layers[0].forward.w_x  # the first part is dropout, or it encodes symbols as one-hot vectors
    return [default, default._replace(embedding=jnp.eye(w_x.shape[0], dtype=w_x.dtype))]


def _flat(params):
    """Flattens nested tuples of params to a list, one entry per part of the net."""
    if type(params) is not tuple or params == ():
        return [params]
    return [part for child in params for part in _flat(child)]


def _unwrapped(part):
    """Returns the only element of a tuple of length one, and anything else unchanged."""
    return part[0] if type(part) is tuple and len(part) == 1 else part


def _require_cell(part, to):
    if isinstance(part, LearnedParams):
        raise ValueError(f"{to} has no learned initial carry; train with jaxrnn.rnn(learned_carry=False) instead")
    if not isinstance(part, CELLS):
        name = type(part).__name__.removesuffix("Params")
        raise ValueError(f"{to} has no counterpart of {name}; expected Elman, LSTM or GRU layers")


def _candidates(default):
    """Yields all stacks with the weights of `default`, the likeliest first."""
    has_elman = any(isinstance(p, elman.ElmanParams) for layer in default.layers for p in layer.directions)
    is_bidirectional = any(layer.backward is not None for layer in default.layers)
    outputs = OUTPUTS if default.layers[-1].backward is not None else OUTPUTS[:2]
    for output, merge, activation in product(
        outputs, MERGES if is_bidirectional else ("concat",), ACTIVATIONS if has_elman else ACTIVATIONS[:1]
    ):
        layers = tuple(layer._replace(activation=activation, merge=merge) for layer in default.layers)
        candidate = default._replace(layers=layers, output=output)
        if all(output_size == input_size for output_size, input_size, _ in _widths(candidate)):
            yield candidate


def _widths(stack):
    """Lists (output size of a part, input size of the next part, name of the next part)."""
    output_sizes = [] if stack.embedding is None else [stack.embedding.shape[1]]
    output_sizes += [layer.size * (len(layer.directions) if layer.merge == "concat" else 1) for layer in stack.layers]
    inputs_of = [(layer.forward.w_x.shape[0], f"recurrent layer {i + 1}") for i, layer in enumerate(stack.layers)]
    inputs_of = inputs_of[stack.embedding is None :]
    inputs_of += [] if stack.readout is None else [(stack.readout.w.shape[0], "the readout")]
    return [(size, *following) for size, following in zip(output_sizes, inputs_of, strict=False)]


def require_widths(stack):
    """Raises a ValueError if the input size of a part is not the output size of the part before it."""
    for output_size, input_size, name in _widths(stack):
        if output_size != input_size:
            raise ValueError(
                f"{name} takes {input_size} inputs, but the part before it gives {output_size} outputs; give the parts "
                "in the order in which they run"
            )
