"""The standard network: stacked layers of one cell, with dropout between them and a readout."""

from functools import partial
from typing import Literal

from jaxrnn.arguments import checked
from jaxrnn.cells._transforms import learned
from jaxrnn.nets import combine
from jaxrnn.nets.attention import bahdanau, luong
from jaxrnn.nets.layers import affine, dropout, embed, one_hot, tied
from jaxrnn.nets.parametrized import parametrized
from jaxrnn.nets.recurrent_layer import recurrent
from jaxrnn.nets.seq2seq import encoder_decoder
from jaxrnn.parametrizations import Parametrization
from jaxrnn.types import Cell, Net, NonNegative, Rate, Size
from jaxrnn.unroll._cell_derivatives import with_written_derivative

Merge = Literal["concat", "sum", "mul", "ave"]
Answers = Literal["symbols", "values"]
Attention = Literal["luong", "bahdanau"]
DEFAULT_LENGTH = 100  # steps of an answer whose length is not given


@checked
def rnn(cell: Cell, output_size: Size, layers: Size = 1, bidirectional: Merge | None = None, residual: bool = False,
        dropout: Rate | None = None, variational: bool = False, recurrent_dropout: Rate | None = None,
        zoneout: Rate | None = None, learned_carry: bool = False, readout: bool = True,
        vocabulary_size: Size | None = None, embedding: Size | None = None, tied_embedding: bool = False,
        answers: Answers | None = None, attention: Attention | None = None, scheduled_sampling: Rate = 0.0,
        noise: NonNegative | None = None, parametrization: Parametrization | None = None) -> Net:  # fmt: skip
    """Makes the network that `conf/model/*.yaml` describe: layers of one cell and an affine readout.

    `Net.with_unroll` sets another unroll than the plain scan. The data determine `vocabulary_size` and `answers`.

    Args:
      cell: the cell of every layer; each layer has its own weights.
      output_size: K.
      layers: number of layers.
      bidirectional: how the outputs of two directions (of the encoder) are merged; None for one direction.
      residual: add the input of each layer to its output, from the second layer on.
      dropout: dropout rate between layers; None for none.
      variational: use one dropout mask per sequence instead of one per step.
      recurrent_dropout: rate of the dropout mask on the recurrence; None for none.
      zoneout: probability that a value of a carry does not change at a step; None for none.
      noise: standard deviation of the noise added to every value of a carry at each step in training; None for none.
      learned_carry: train the initial carry; otherwise it is zero.
      readout: whether an affine readout follows the last layer.
      vocabulary_size: number of symbols, if the inputs [T, B, 1] are symbols; None if they are values.
      embedding: width of the learned vector of each symbol; None for one-hot inputs.
      tied_embedding: use the weights of the embedding for the readout; inputs and outputs must be the same symbols.
      answers: None for an output at every step; "symbols" or "values" for an encoder-decoder with such outputs.
      attention: the attention of the decoder; None for none.
      scheduled_sampling: probability that the decoder reads its own last output in training (scheduled sampling).
      parametrization: a `jaxrnn.parametrizations` parametrization of the recurrent weights; None for none.

    Raises:
      ValueError: if an option would have no effect, or options exclude each other.
    """
    _refuse_idle_layers(layers, dropout, variational, residual)
    _refuse_idle_symbols(vocabulary_size, embedding, tied_embedding, answers, readout)
    _refuse_idle_decoder(answers, attention, scheduled_sampling)
    random = {"dropout": recurrent_dropout, "zoneout": zoneout, "noise": noise}
    stack = partial(_stack, random, layers, dropout, variational, residual)
    entry = _inputs(vocabulary_size, embedding)
    first_layers = stack(learned(with_written_derivative(cell)) if learned_carry else cell, bidirectional)
    if answers:
        decoder_layers = _decoder_layers(cell, stack, attention, bidirectional, random)
        encoder = combine.serial(*entry, *first_layers)
        net = _encoder_decoder(encoder, decoder_layers, output_size, embedding, answers, scheduled_sampling)
    elif tied_embedding:
        net = _tied(first_layers, vocabulary_size, embedding, output_size)
    else:
        net = combine.serial(*entry, *first_layers, *([affine(output_size)] if readout else []))
    return net if parametrization is None else parametrized(net, parametrization)


def _refuse_idle_layers(layers, dropout_rate, variational, add_input):
    """Refuses options that act between layers if there is only one layer."""
    if layers == 1 and dropout_rate is not None:
        raise ValueError(
            f"model.dropout={dropout_rate} acts between layers, but model.layers=1: set model.layers=2 or more, "
            "model.dropout=null, or model.recurrent_dropout, which acts inside a layer"
        )
    if layers == 1 and add_input:
        raise ValueError(
            "model.residual=true acts on the second and later layers, but model.layers=1: set model.layers=2 or more, "
            "or model.residual=false"
        )
    if variational and dropout_rate is None:
        raise ValueError("model.variational=true needs model.dropout, which is not set: set model.dropout")


def _refuse_idle_symbols(vocabulary_size, embedding, tied_embedding, answers, readout):
    """Refuses options for symbols if the data are values, and options that an encoder-decoder does not have."""
    if answers and not readout:
        raise ValueError("model.readout=false: an encoder-decoder needs a readout; leave model.readout out")
    if answers and tied_embedding:
        raise ValueError(
            "model.tied_embedding=true: not available in an encoder-decoder; leave model.tied_embedding out"
        )
    if tied_embedding and not readout:
        raise ValueError("model.tied_embedding=true needs a readout, but model.readout=false: leave one of the two out")
    if embedding is not None and vocabulary_size is None and answers != "symbols":
        raise ValueError(
            f"model.embedding={embedding} needs data whose inputs are symbols, but these are values: leave "
            "model.embedding out, or give rnn(vocabulary_size=...) the number of symbols"
        )


def _refuse_idle_decoder(answers, attention, scheduled_sampling):
    """Refuses options for a decoder if the network has none."""
    if answers is None and (attention is not None or scheduled_sampling):
        name = (
            f"model.attention={attention}"
            if attention is not None
            else f"model.scheduled_sampling={scheduled_sampling}"
        )
        raise ValueError(
            f"{name} needs a decoder: use data whose answers have their own length, such as data=addition; in Python, "
            'rnn(answers="symbols") or rnn(answers="values")'
        )


def _encoder_decoder(encoder, decoder_layers, output_size, embedding, answers, scheduled_sampling):
    """Makes the encoder-decoder; `decoder_layers` comes from `_decoder_layers`, the other arguments are as in `rnn`."""
    # The start of an answer is one more symbol than the answers have.
    inputs = _inputs(output_size + 1, embedding) if answers == "symbols" else []
    decoder = combine.serial(*inputs, *decoder_layers, affine(output_size))
    return encoder_decoder(
        encoder, decoder, DEFAULT_LENGTH, output_size, None, answers == "symbols", scheduled_sampling
    )


def _decoder_layers(cell, stack, attention, merge, random):
    """Returns the recurrent layers of the decoder.

    The decoder's first carry comes from the encoder, so the decoder does not learn one.
    """
    memory_size = 2 * cell.size if merge == "concat" else cell.size
    if attention == "luong":
        return [luong(combine.serial(*stack(cell, None)), memory_size, cell.size)]
    if attention == "bahdanau":
        return stack(cell, None, bahdanau(cell, memory_size, cell.size, **random))
    return stack(cell, None)


def _tied(layers, vocabulary_size, embedding, output_size):
    if embedding is None or vocabulary_size != output_size:
        raise ValueError(
            "model.tied_embedding needs model.embedding, and data with the same symbols as inputs and outputs"
        )
    return tied(combine.serial(*layers), vocabulary_size, embedding)


def _inputs(vocabulary_size, embedding):
    if vocabulary_size is None:
        return []
    return [one_hot(vocabulary_size) if embedding is None else embed(vocabulary_size, embedding)]


def _layer(cell, merge, **options):
    forward = recurrent(cell, **options)
    if merge is None:
        return forward
    return combine.bidirectional(forward, recurrent(cell, reverse=True, **options), merge)


def _stack(random, count, dropout_rate, variational, add_input, cell, merge, first=None):
    """Makes the layers of one stack; `first`, if given, replaces the first layer."""
    make_layer = partial(_layer, cell, merge, **random)
    nets = [make_layer() if first is None else first]
    for _ in range(count - 1):
        if dropout_rate is not None:
            nets.append(dropout(dropout_rate, variational))
        nets.append(combine.residual(make_layer()) if add_input else make_layer())
    return nets
