"""The encoder-decoder of two stacks: the layers of `rnn` read a source, and layers of the same cell answer."""

from typing import Literal, Unpack

from jaxrnn.arguments import checked
from jaxrnn.nets import combine
from jaxrnn.nets.attention import bahdanau, luong
from jaxrnn.nets.encoder_to_decoder import encoder_decoder
from jaxrnn.nets.layers import affine
from jaxrnn.nets.parametrized import parametrized
from jaxrnn.nets.stack import LayerOptions, random_options, stacked
from jaxrnn.nets.symbol_stack import symbol_vectors
from jaxrnn.parametrizations import Parametrization
from jaxrnn.types import Cell, Net, Rate, Size

Answers = Literal["symbols", "values"]
Attention = Literal["luong", "bahdanau"]
DEFAULT_LENGTH = 100  # steps of an answer whose length is not given
ENCODER_ONLY = ("bidirectional", "learned_carry")  # the decoder runs forwards and begins with the encoder's carry


@checked
def seq2seq(
    cell: Cell,
    output_size: Size,
    answers: Answers,
    vocabulary_size: Size | None = None,
    embedding: Size | None = None,
    attention: Attention | None = None,
    scheduled_sampling: Rate = 0.0,
    parametrization: Parametrization | None = None,
    layers: Size = 1,
    **options: Unpack[LayerOptions],
) -> Net:
    """Makes an encoder-decoder, for answers with their own length; the decoder has an affine readout.

    `encoder_decoder` makes one from any two nets.

    Args:
      cell: the cell of every layer of the encoder and the decoder; each layer has its own weights.
      output_size: K.
      answers: the kind of outputs, "symbols" or "values".
      vocabulary_size: number of symbols, if the source [S, B, 1] consists of symbols; None if it consists of values.
      embedding: width of the learned vector of each symbol; None for one-hot inputs.
      attention: the attention of the decoder; None for none.
      scheduled_sampling: probability that the decoder reads its own last output in training (scheduled sampling).
      parametrization: as in `rnn`.
      layers: number of layers of the encoder, and of the decoder.
      options: the `LayerOptions`.

    Raises:
      ValueError: if an option would have no effect.
    """
    if embedding is not None and vocabulary_size is None and answers == "values":
        raise ValueError(
            f"model.embedding={embedding} needs data whose inputs are symbols, but these are values: leave "
            "model.embedding out"
        )
    source = [] if vocabulary_size is None else [symbol_vectors(vocabulary_size, embedding)]
    encoder = combine.serial(*source, *stacked(cell, layers, options))
    # The start of an answer is one more symbol than the answers have.
    inputs = [symbol_vectors(output_size + 1, embedding)] if answers == "symbols" else []
    decoder = combine.serial(*inputs, *_decoder_layers(cell, layers, attention, options), affine(output_size))
    net = encoder_decoder(
        encoder,
        decoder,
        DEFAULT_LENGTH,
        output_size,
        symbols=answers == "symbols",
        scheduled_sampling=scheduled_sampling,
    )
    return parametrized(net, parametrization)


def _decoder_layers(cell, layers, attention, options):
    """Makes the recurrent layers of the decoder."""
    memory_size = 2 * cell.size if options.get("bidirectional") == "concat" else cell.size
    options = {name: value for name, value in options.items() if name not in ENCODER_ONLY}
    if attention == "luong":
        return [luong(combine.serial(*stacked(cell, layers, options)), memory_size, cell.size)]
    attending = attention == "bahdanau"
    first = bahdanau(cell, memory_size, cell.size, **random_options(options)) if attending else None
    return stacked(cell, layers, options, first)
