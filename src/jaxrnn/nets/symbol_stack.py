"""The network that reads symbols, such as a language model or a tagger: the layers of `rnn` after an embedding."""

from typing import Unpack

from jaxrnn.arguments import checked
from jaxrnn.nets import combine
from jaxrnn.nets.frontend import frontend_layers
from jaxrnn.nets.layers import affine, embed, one_hot, tied
from jaxrnn.nets.parametrized import parametrized
from jaxrnn.nets.stack import Frontend, LayerOptions, stacked
from jaxrnn.parametrizations import Parametrization
from jaxrnn.types import Cell, Net, Size


@checked
def symbol_rnn(
    cell: Cell,
    output_size: Size,
    vocabulary_size: Size,
    embedding: Size | None = None,
    tied_embedding: bool = False,
    readout: bool = True,
    parametrization: Parametrization | None = None,
    layers: Size = 1,
    frontend: Frontend | None = None,
    frontend_features: Size | None = None,
    frontend_kernel: Size | None = None,
    **options: Unpack[LayerOptions],
) -> Net:
    """Makes a network that reads symbols: one vector per symbol, layers of one cell and an affine readout.

    Args:
      cell: the cell of every layer; each layer has its own weights.
      output_size: K.
      vocabulary_size: number of symbols; the inputs [T, B, 1] are integers in [0, vocabulary_size).
      embedding: width of the learned vector of each symbol; None for one-hot inputs.
      tied_embedding: use the weights of the embedding for the readout; inputs and outputs must be the same symbols.
      readout: whether an affine readout follows the last layer.
      parametrization, layers, frontend, frontend_features, frontend_kernel: as in `rnn`; the convolution reads the
        vectors of the symbols.
      options: the `LayerOptions`.

    Raises:
      ValueError: if an option would have no effect, or options exclude each other.
    """
    convolutions = frontend_layers(frontend, frontend_features, frontend_kernel)
    inner_layers = [*convolutions, *stacked(cell, layers, options)]
    if tied_embedding:
        size = _tied_size(output_size, vocabulary_size, embedding, readout)
        return parametrized(tied(combine.serial(*inner_layers), vocabulary_size, size), parametrization)
    entry = symbol_vectors(vocabulary_size, embedding)
    readouts = [affine(output_size)] if readout else []
    return parametrized(combine.serial(entry, *inner_layers, *readouts), parametrization)


def symbol_vectors(vocabulary_size, embedding):
    """Makes the net from symbols [T, B, 1] to vectors: learned vectors of width `embedding`, or one-hot for None."""
    return one_hot(vocabulary_size) if embedding is None else embed(vocabulary_size, embedding)


def _tied_size(output_size, vocabulary_size, embedding, readout):
    """Returns the width of a tied embedding; raises ValueError if the options exclude one."""
    if not readout:
        raise ValueError("model.tied_embedding=true needs a readout, but model.readout=false: leave one of the two out")
    if embedding is None or vocabulary_size != output_size:
        raise ValueError(
            "model.tied_embedding needs model.embedding, and data with the same symbols as inputs and outputs"
        )
    return embedding
