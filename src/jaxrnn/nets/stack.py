"""The usual network: layers of one cell, perhaps in both directions, dropout between them, a readout."""

from typing import Literal

from jaxrnn.cells._transforms import learned
from jaxrnn.nets import combine
from jaxrnn.nets.layers import affine, dropout, recurrent
from jaxrnn.types import Cell, Net, Rate, Size


def rnn(
    cell: Cell,
    output_size: Size,
    layers: Size = 1,
    bidirectional: Literal["concat", "sum", "mul", "ave"] | None = None,
    residual: bool = False,
    dropout: Rate | None = None,
    variational: bool = False,
    recurrent_dropout: Rate | None = None,
    learned_carry: bool = False,
    readout: bool = True,
) -> Net:
    """Layers of one cell and an affine readout: the network that `conf/model/*.yaml` describe.

    It is unrolled by the plain scan; `Net.unrolled` gives it another unroll, as training does.

    Args:
      cell: the cell of every layer; each layer has weights of its own.
      output_size: K.
      layers: number of layers.
      bidirectional: None for forwards only, else how the two directions' outputs are merged.
      residual: add each layer's input to its output, from the second layer on.
      dropout: rate between layers; None for none.
      variational: one dropout mask a sequence instead of one a step.
      recurrent_dropout: rate of the mask on the recurrence; None for none.
      learned_carry: train the initial carry; else it is zeros.
      readout: whether an affine readout follows; without one the last layer's outputs are the net's.
    """
    cell = learned(cell) if learned_carry else cell
    stack = _stack(lambda: _layer(cell, bidirectional, recurrent_dropout), layers, dropout, variational, residual)
    return combine.serial(*stack, affine(output_size)) if readout else combine.serial(*stack)


def _layer(cell, merge, dropout_rate):
    forward = recurrent(cell, dropout=dropout_rate)
    if merge is None:
        return forward
    return combine.bidirectional(forward, recurrent(cell, reverse=True, dropout=dropout_rate), merge)


def _stack(make_layer, count, dropout_rate, variational, add_input):
    nets = [make_layer()]
    for _ in range(count - 1):
        if dropout_rate is not None:
            nets.append(dropout(dropout_rate, variational))
        nets.append(combine.residual(make_layer()) if add_input else make_layer())
    return nets
