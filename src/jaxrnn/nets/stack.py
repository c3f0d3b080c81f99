"""The standard network: stacked layers of one cell, with dropout between them and a readout.

`symbol_rnn` and `seq2seq` build on the same layers: `stacked` makes them, and `LayerOptions` are their options.
"""

from functools import partial
from typing import Literal, TypedDict, Unpack

from jaxrnn.arguments import checked
from jaxrnn.cells.transforms import learned
from jaxrnn.nets import combine
from jaxrnn.nets.frontend import frontend_layers
from jaxrnn.nets.layers import affine
from jaxrnn.nets.layers import dropout as dropout_layer
from jaxrnn.nets.parametrized import parametrized
from jaxrnn.nets.recurrent_layer import RandomOptions, recurrent
from jaxrnn.parametrizations import Parametrization
from jaxrnn.types import Cell, Net, NonNegative, Rate, Size
from jaxrnn.unroll.cell_derivatives import with_written_derivative

Merge = Literal["concat", "sum", "mul", "ave"]
Frontend = Literal["conv"]


class LayerOptions(TypedDict, total=False):
    """Options of the recurrent layers of a stack. An option that is left out is off: None, or false.

    Fields:
      bidirectional: how the outputs of two directions (of the encoder) are merged; None for one direction.
      residual: add the input of each layer to its output, from the second layer on.
      dropout: dropout rate between layers; None for none.
      variational: use one dropout mask per sequence instead of one per step.
      recurrent_dropout: rate of the dropout mask on the recurrence; None for none.
      zoneout: probability that a value of a carry does not change at a step; None for none.
      noise: standard deviation of the noise added to every value of a carry at each step in training; None for none.
      learned_carry: train the initial carry; otherwise it is zero.
    """

    bidirectional: Merge | None
    residual: bool
    dropout: Rate | None
    variational: bool
    recurrent_dropout: Rate | None
    zoneout: Rate | None
    noise: NonNegative | None
    learned_carry: bool


@checked
def rnn(
    cell: Cell,
    output_size: Size,
    layers: Size = 1,
    readout: bool = True,
    parametrization: Parametrization | None = None,
    frontend: Frontend | None = None,
    frontend_features: Size | None = None,
    frontend_kernel: Size | None = None,
    **options: Unpack[LayerOptions],
) -> Net:
    """Makes the network that `conf/model/*.yaml` describe: layers of one cell and an affine readout.

    `Net.with_unroll` sets another unroll than the plain scan. For symbols use `symbol_rnn`, and for answers with their
    own length `seq2seq`. In a configuration, `jaxrnn.nets.rnn` stands for all three (`experiments/nodes.py`).

    Args:
      cell: the cell of every layer; each layer has its own weights.
      output_size: K.
      layers: number of layers.
      readout: whether an affine readout follows the last layer.
      parametrization: a `jaxrnn.parametrizations` parametrization of the recurrent weights; None for none.
      frontend: "conv" for a causal convolution in time in front of the layers (`jaxrnn.nets.convolution`); None for
        none.
      frontend_features: width of the convolution's outputs; None for 32.
      frontend_kernel: number of steps that the convolution reads for each output; None for 5.
      options: the `LayerOptions`.

    Raises:
      ValueError: if an option would have no effect, or options exclude each other.
    """
    entry = frontend_layers(frontend, frontend_features, frontend_kernel)
    readouts = [affine(output_size)] if readout else []
    return parametrized(combine.serial(*entry, *stacked(cell, layers, options), *readouts), parametrization)


def stacked(cell, layers, options, first=None):
    """Makes the recurrent layers of a stack, with dropout between them.

    Args:
      cell, layers: as in `rnn`.
      options: the `LayerOptions`.
      first: a net that replaces the first layer; None for none.

    Returns:
      A list of nets, to be applied in series.

    Raises:
      ValueError: if an option would have no effect.
    """
    dropout, residual, variational = options.get("dropout"), options.get("residual"), options.get("variational", False)
    _refuse_idle(layers, dropout, variational, residual)
    cell = learned(with_written_derivative(cell)) if options.get("learned_carry") else cell
    layer = partial(_layer, cell, options.get("bidirectional"), random_options(options))
    nets = [layer() if first is None else first]
    for _ in range(layers - 1):
        if dropout is not None:
            nets.append(dropout_layer(dropout, variational))
        nets.append(combine.residual(layer()) if residual else layer())
    return nets


def random_options(options) -> RandomOptions:
    """Returns the `RandomOptions` of each layer from the `LayerOptions` of a stack."""
    return {
        "dropout": options.get("recurrent_dropout"),
        "zoneout": options.get("zoneout"),
        "noise": options.get("noise"),
    }


def _refuse_idle(layers, dropout, variational, residual):
    """Refuses options that act between layers if there is only one layer."""
    if layers == 1 and dropout is not None:
        raise ValueError(
            f"model.dropout={dropout} acts between layers, but model.layers=1: set model.layers=2 or more, "
            "model.dropout=null, or model.recurrent_dropout, which acts inside a layer"
        )
    if layers == 1 and residual:
        raise ValueError(
            "model.residual=true acts on the second and later layers, but model.layers=1: set model.layers=2 or more, "
            "or model.residual=false"
        )
    if variational and dropout is None:
        raise ValueError("model.variational=true needs model.dropout, which is not set: set model.dropout")


def _layer(cell, merge, random):
    forward = recurrent(cell, **random)
    if merge is None:
        return forward
    return combine.bidirectional(forward, recurrent(cell, reverse=True, **random), merge)
