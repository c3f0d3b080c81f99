"""Describes a net of recurrent layers independently of any library: `Stack`.

An import reads a library's modules as a `Stack` and converts it with `net_of`. An export finds the `Stack` of a net
(`_equivalence.py`) and writes it as a library's modules.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn import nets
from jaxrnn.cells import elman, gru, lstm, mgu
from jaxrnn.nets.layers import EmbedParams

ACTIVATIONS = ("tanh", "relu", "linear")
OUTPUTS = ("all", "last", "ends")


class Kind(NamedTuple):
    """A cell that other libraries have as well.

    Fields:
      params: class of the cell's params.
      gates: one letter per gate, in the order of the weights' columns. The last one is the candidate.
      cell: (size) -> `Cell`, or (size, variant) -> `Cell` if the cell has variants.
      option: name of the option that tells the variants of the cell apart, or None.
    """

    params: type
    gates: str
    cell: Callable[..., Any]
    option: Literal["activation", "reset"] | None = None


KINDS = {
    "Elman": Kind(elman.ElmanParams, "h", elman.cell, "activation"),
    "LSTM": Kind(lstm.LSTMParams, "ifgo", lstm.cell),
    "GRU": Kind(gru.GRUParams, "rzn", gru.cell, "reset"),
    "MGU": Kind(mgu.MGUParams, "fn", mgu.cell),
}
KIND_NAMES = {kind.params: name for name, kind in KINDS.items()}


def kind_of(params):
    """Returns the `Kind` of a cell with these params."""
    return KINDS[KIND_NAMES[type(params)]]


class Layer(NamedTuple):
    """One recurrent layer.

    Fields:
      forward: params of the cell that runs forward in time.
      backward: params of the cell that runs backward in time, or None.
      activation: activation function of an Elman cell, one of `ACTIVATIONS`.
      merge: operation that merges the outputs of two directions, a key of `nets.combine.MERGES`.
      dropout: dropout rate of the layer's inputs during training; 0 for no dropout.
    """

    forward: Any
    backward: Any = None
    activation: str = "tanh"
    merge: str = "concat"
    dropout: float = 0.0

    @property
    def directions(self):
        """List of the params of one or both directions."""
        return [self.forward] if self.backward is None else [self.forward, self.backward]

    @property
    def size(self):
        """Hidden size H of one direction."""
        return self.forward.w_h.shape[0]

    @property
    def width(self):
        """Output size of the layer."""
        return self.size * (len(self.directions) if self.merge == "concat" else 1)

    def variant(self, direction):
        """Value of the option of a direction's cell, such as "relu" or "before"; None for a cell without options."""
        option = kind_of(direction).option
        if option == "reset":
            return "before" if direction.b_hn is None else "after"
        return self.activation if option == "activation" else None


class Stack(NamedTuple):
    """Stack of recurrent layers.

    Fields:
      layers: `Layer`s in order.
      readout: `AffineParams`, or None.
      embedding: one vector per symbol [vocabulary, E] if the inputs are symbols, or None.
      dropout: dropout rate before the readout during training; 0 for no dropout.
      output: steps whose outputs are returned: "all" steps, the "last" step, or "ends". "ends" joins the last layer's
        last step of the forward direction and first step of the backward direction.
    """

    layers: tuple
    readout: Any = None
    embedding: Any = None
    dropout: float = 0.0
    output: Literal["all", "last", "ends"] = "all"

    @property
    def outputs(self):
        """The values of `output` that the last layer allows."""
        return OUTPUTS if self.layers[-1].backward is not None else OUTPUTS[:2]


def net_of(stack):
    """Converts a stack to (`Net`, params).

    Raises:
      ValueError: if the input size of a layer is not the output size of the layer before it.
    """
    require_widths(stack)
    parts = []
    if stack.embedding is not None:
        parts.append((nets.embed(*stack.embedding.shape), EmbedParams(stack.embedding)))
    for layer in stack.layers:
        is_last = layer is stack.layers[-1]
        parts += _dropout(layer.dropout)
        parts.append(_net_of_layer(layer, stack.output == "ends" and is_last))
    parts += _dropout(stack.dropout)
    if stack.readout is not None:
        parts.append((nets.affine(stack.readout.w.shape[1]), stack.readout))
    whole = nets.serial(*(net for net, _ in parts))
    params = jax.tree.map(jnp.asarray, tuple(params for _, params in parts))
    return nets.last(whole) if stack.output == "last" else whole, params


def _dropout(rate):
    return [(nets.dropout(rate), ())] if rate else []


def _net_of_layer(layer, ends):
    """Returns (`Net`, params) of a layer. `ends` selects the last step that each direction computes."""
    if len({(type(direction), direction.w_h.shape) for direction in layer.directions}) > 1:
        raise ValueError("both directions of a layer must have the same kind of cell and the same size")
    forward = nets.recurrent(_cell(layer, layer.forward))
    if layer.backward is None:
        return forward, layer.forward
    backward = nets.recurrent(_cell(layer, layer.backward), reverse=True)
    if ends:
        forward, backward = nets.last(forward), nets.first(backward)
    params = nets.BidirectionalParams(layer.forward, layer.backward)
    return nets.bidirectional(forward, backward, layer.merge), params


def _cell(layer, direction):
    variant = layer.variant(direction)
    return kind_of(direction).cell(layer.size, *([] if variant is None else [variant]))


def widths(stack):
    """Lists (output size of a part, input size of the next part, name of the next part)."""
    output_sizes = [] if stack.embedding is None else [stack.embedding.shape[1]]
    output_sizes += [layer.width for layer in stack.layers]
    inputs_of = [(layer.forward.w_x.shape[0], f"recurrent layer {i + 1}") for i, layer in enumerate(stack.layers)]
    inputs_of = inputs_of[stack.embedding is None :]
    inputs_of += [] if stack.readout is None else [(stack.readout.w.shape[0], "the readout")]
    return [(size, *following) for size, following in zip(output_sizes, inputs_of, strict=False)]


def require_widths(stack):
    """Raises a ValueError if the input size of a part is not the output size of the part before it."""
    for output_size, input_size, name in widths(stack):
        if output_size != input_size:
            raise ValueError(
                f"{name} takes {input_size} inputs, but the part before it gives {output_size} outputs; give the parts "
                "in the order in which they run"
            )
