"""The usual network: layers of one cell, perhaps in both directions, dropout between them, a readout."""

from functools import partial
from typing import Literal

from jaxrnn.arguments import checked
from jaxrnn.cells._transforms import learned
from jaxrnn.nets import attention, combine
from jaxrnn.nets.layers import affine, dropout, embed, one_hot, tied
from jaxrnn.nets.parametrized import parametrized
from jaxrnn.nets.recurrent_layer import recurrent
from jaxrnn.nets.seq2seq import encoder_decoder
from jaxrnn.parametrizations import Parametrization
from jaxrnn.types import Cell, Net, NonNegative, Rate, Size
from jaxrnn.unroll._cell_derivatives import with_written_derivative

Merge = Literal["concat", "sum", "mul", "ave"]
Answers = Literal["symbols", "values"]
Attend = Literal["luong", "bahdanau"]
LONGEST = 100  # steps of an answer that nobody gave a length for


@checked
def rnn(cell: Cell, output_size: Size, layers: Size = 1, bidirectional: Merge | None = None, residual: bool = False,
        dropout: Rate | None = None, variational: bool = False, recurrent_dropout: Rate | None = None,
        zoneout: Rate | None = None, learned_carry: bool = False, readout: bool = True, symbols: Size | None = None,
        embedding: Size | None = None, tied_embedding: bool = False, answers: Answers | None = None,
        attend: Attend | None = None, own_outputs: Rate = 0.0, noise: NonNegative | None = None,
        parametrization: Parametrization | None = None) -> Net:  # fmt: skip
    """Layers of one cell and an affine readout: the network that `conf/model/*.yaml` describe.

    It is unrolled by the plain scan; `Net.unrolled` gives it another unroll, as training does.

    Args:
      cell: the cell of every layer; each layer has weights of its own.
      output_size: K.
      layers: number of layers.
      bidirectional: None for forwards only, else how the two directions' outputs are merged; of an encoder-decoder the
        encoder's.
      residual: add each layer's input to its output, from the second layer on.
      dropout: rate between layers; None for none.
      variational: one dropout mask a sequence instead of one a step.
      recurrent_dropout: rate of the mask on the recurrence; None for none.
      zoneout: probability that a value of a carry stays what it was at a step; None for none.
      noise: standard deviation of what is added to every value of a carry at a step in training; None for none.
      learned_carry: train the initial carry; else it is zeros.
      readout: whether an affine readout follows the last layer.
      symbols: how many symbols the inputs [T, B, 1] are numbers of; None where they are values. The data say it.
      embedding: width of a learned vector for each symbol; None for one-hot inputs.
      tied_embedding: whether the readout's weights are the embedding's, where symbols go in and out.
      answers: None for an output at every step; "symbols" or "values" make it an encoder-decoder. The data say it.
      attend: how its decoder attends to the encoder's outputs; None for not at all.
      own_outputs: probability that its decoder reads its own last output in training (scheduled sampling).
      parametrization: of the recurrent weights, of `jaxrnn.parametrizations`; None where they are trained as they are.

    Raises:
      ValueError: for an option that would change nothing, or options that exclude each other.
    """
    _refuse_idle_layers(layers, dropout, variational, residual)
    _refuse_idle_symbols(symbols, embedding, tied_embedding, answers, readout)
    _refuse_idle_decoder(answers, attend, own_outputs)
    random = {"dropout": recurrent_dropout, "zoneout": zoneout, "noise": noise}
    stack = partial(_stack, random, layers, dropout, variational, residual)
    entry = _inputs(symbols, embedding)
    first_layers = stack(learned(with_written_derivative(cell)) if learned_carry else cell, bidirectional)
    if answers:
        attending = _attending(cell, stack, attend, bidirectional, random)
        net = _answering(combine.serial(*entry, *first_layers), attending, output_size, embedding, answers, own_outputs)
    elif tied_embedding:
        net = _tied(first_layers, symbols, embedding, output_size)
    else:
        net = combine.serial(*entry, *first_layers, *([affine(output_size)] if readout else []))
    return net if parametrization is None else parametrized(net, parametrization)


def _refuse_idle_layers(layers, dropout_rate, variational, add_input):
    """Refuses what acts between layers where there is one layer only."""
    if layers == 1 and dropout_rate is not None:
        raise ValueError(
            f"model.dropout={dropout_rate} acts between layers, and model.layers=1: give model.layers=2 or more, "
            "model.dropout=null, or model.recurrent_dropout, which acts inside a layer"
        )
    if layers == 1 and add_input:
        raise ValueError(
            "model.residual=true adds the input of the second and later layers, and model.layers=1: give "
            "model.layers=2 or more, or model.residual=false"
        )
    if variational and dropout_rate is None:
        raise ValueError("model.variational=true keeps the mask of model.dropout, which is not set: give model.dropout")


def _refuse_idle_symbols(symbols, embedding, tied_embedding, answers, readout):
    """Refuses options of symbols where the data hold values, and what an encoder-decoder does not have."""
    if answers and not readout:
        raise ValueError("model.readout=false: an encoder-decoder needs its readout; leave model.readout out")
    if answers and tied_embedding:
        raise ValueError("model.tied_embedding=true: an encoder-decoder has none; leave model.tied_embedding out")
    if tied_embedding and not readout:
        raise ValueError("model.tied_embedding=true shares the readout's weights, and model.readout=false removes them")
    if embedding is not None and symbols is None and answers != "symbols":
        raise ValueError(
            f"model.embedding={embedding} needs data whose inputs are symbols; these are values: leave "
            "model.embedding out, or give rnn(symbols=...) the number of symbols"
        )


def _refuse_idle_decoder(answers, attend, own_outputs):
    """Refuses options of a decoder where there is none."""
    if answers is None and (attend is not None or own_outputs):
        name = f"model.attend={attend}" if attend is not None else f"model.own_outputs={own_outputs}"
        raise ValueError(
            f"{name} needs a decoder, which a network has for data with answers of their own length, such as "
            'data=addition; in Python rnn(answers="symbols") or rnn(answers="values")'
        )


def _answering(encoder, attending, output_size, embedding, answers, own_outputs):
    """The encoder-decoder; arguments as of `rnn`, `attending` as of `_attending`."""
    layers, weights = attending
    # One symbol more than the answers have starts an answer.
    inputs = _inputs(output_size + 1, embedding) if answers == "symbols" else []
    decoder = combine.serial(*inputs, *layers, affine(output_size))
    look = None if weights is None else _looking(inputs, weights)
    return encoder_decoder(encoder, decoder, LONGEST, output_size, None, answers == "symbols", own_outputs, look)


def _attending(cell, stack, attend, merge, random):
    """(the decoder's layers, what gives the attention weights of the first of them, or None).

    The decoder's carry is handed over by the encoder: it has no learned one of its own.
    """
    memory_size = 2 * cell.size if merge == "concat" else cell.size
    if attend == "luong":
        net, weights = attention.luong(combine.serial(*stack(cell, None)), memory_size, cell.size)
        return [net], weights
    if attend == "bahdanau":
        net, weights = attention.bahdanau(cell, memory_size, cell.size, **random)
        return stack(cell, None, net), weights
    return stack(cell, None), None


def _looking(inputs, weights):
    """(params, carry, inputs) -> the attention of a decoder whose first layer attends."""

    def look(params, carry, xs):
        for net, own, state in zip(inputs, params, carry, strict=False):
            xs = net.apply(own, state, xs)[1]
        return weights(params[len(inputs)], carry[len(inputs)], xs)

    return look


def _tied(layers, symbols, embedding, output_size):
    if embedding is None or symbols != output_size:
        raise ValueError("model.tied_embedding needs model.embedding, and data with the same symbols in and out")
    return tied(combine.serial(*layers), symbols, embedding)


def _inputs(symbols, embedding):
    if symbols is None:
        return []
    return [one_hot(symbols) if embedding is None else embed(symbols, embedding)]


def _layer(cell, merge, **options):
    forward = recurrent(cell, **options)
    if merge is None:
        return forward
    return combine.bidirectional(forward, recurrent(cell, reverse=True, **options), merge)


def _stack(random, count, dropout_rate, variational, add_input, cell, merge, first=None):
    """The layers of one stack; `first` stands for the first of them where it is another kind of layer."""
    make_layer = partial(_layer, cell, merge, **random)
    nets = [make_layer() if first is None else first]
    for _ in range(count - 1):
        if dropout_rate is not None:
            nets.append(dropout(dropout_rate, variational))
        nets.append(combine.residual(make_layer()) if add_input else make_layer())
    return nets
