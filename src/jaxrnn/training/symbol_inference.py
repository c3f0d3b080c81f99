"""Outputs of a trained network on symbols: predictions per example, answers to questions, sampled text."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.errors import ConfigError
from jaxrnn.nets import beam, decode, draws
from jaxrnn.precision import in_own_precision


class Answer(NamedTuple):
    """Answer of a network to one question.

    Fields:
      text: the answer for the terminal, one line per alternative or symbol.
      rows: the same as dicts, for a CSV file.
      question: the question.
      attention: (weights [T, S], symbols of the answer, symbols of the question), or None.
      picture: [rows, columns], or None.
    """

    text: str
    rows: list
    question: str
    attention: tuple | None = None
    picture: np.ndarray | None = None


@in_own_precision
def examples(run, split):
    """Lists the examples of a split as dicts: the question, the target, the network's prediction and its loss.

    An encoder-decoder predicts greedily, step by step, without the target.

    Raises:
      ConfigError: if the data set has no such split, or cannot show its examples.
    """
    dataset = run.dataset
    if dataset.symbols.describe is None:
        raise ConfigError("this data set cannot show its examples: it does not define `symbols.describe`")
    ys, batch = run.predict(split), dataset.splits[split]
    rows = dataset.symbols.describe(batch, predicted(run, ys, batch))
    losses = np.where(np.asarray(batch.weights) > 0, np.asarray(dataset.loss(ys, batch.targets)), 0.0).sum(axis=0)
    return [row | {"loss": float(loss)} for row, loss in zip(rows, losses, strict=True)]


@in_own_precision
def predicted(run, ys, batch):
    """Predicted symbols [T, B] of a network; its outputs ys [T, B, K] if the targets are values."""
    if run.net.decoding is not None:
        return greedy(run.net, run.params, batch)
    is_values = np.issubdtype(np.asarray(batch.targets).dtype, np.floating)
    return np.asarray(ys) if is_values else np.asarray(ys).argmax(axis=-1)


def greedy(net, params, batch):
    """Symbols [T, B] of an encoder-decoder that reads the most likely symbol of each step as its next input."""
    return np.asarray(_greedy(net, len(batch.targets))(params, batch.xs.source, batch.mask))


@in_own_precision
def ask(run, text=None, length=200, temperature=1.0, top_k=None, top_p=None, width=5, penalty=0.0, seed=0):
    """Asks a network a question: it answers a text, labels it, or continues it.

    Args:
      run: a `Run` whose data set has a question.
      text: the question; None for the data set's example.
      length: number of symbols to generate, for a network that continues a text.
      temperature, top_k, top_p: parameters of the draws (see `jaxrnn.nets.draws.categorical`).
      width, penalty: number of hypotheses and length penalty of the beam search, for an encoder-decoder.
      seed: seed of the draws.

    Returns:
      An `Answer`.

    Raises:
      ConfigError: if the text cannot be read, the data set has no question, or a number is out of range.
    """
    symbols = run.dataset.symbols
    question = symbols.question
    if question is None:
        raise ConfigError("this data set has no question; a network trained on a series continues it without a text")
    text = question.default if text is None else str(text)
    try:
        batch = question.batch(text)
        if run.net.decoding is not None:
            return _search_answers(run, batch, text, width, penalty)
        if symbols.inputs is not None and symbols.inputs is symbols.outputs:
            return _continue_text(run, batch, text, length, draws.categorical(temperature, top_k, top_p), seed)
    except ValueError as error:
        raise ConfigError(str(error) if "=" in str(error) else f"{question.name}={text}: {error}") from error
    return _label(run, batch, text)


def _continue_text(run, batch, text, length, draw, seed):
    if not run.net.causal:
        raise ConfigError("this network reads the future (bidirectional), so it cannot continue a text")
    _, symbols, _ = _sampler(run.net, length, draw)(run.params, batch.xs, jax.random.key(seed))
    outputs = run.dataset.symbols.outputs
    continued = text + outputs.separator + outputs.decode(symbols[:, 0, 0].astype(int))
    return Answer(continued, [{"text": continued}], text)


def _search_answers(run, batch, text, width, penalty):
    """Answers with the alternatives of a beam search, and with the attention weights of the best one."""
    net, outputs = run.net, run.dataset.symbols.outputs
    params, carry = net.decoding.encode(run.params, batch.xs.source, batch.mask)
    first = net.decoding.start((1,))
    length = max(len(part.targets) for part in run.dataset.splits.values())
    search = jax.jit(lambda p, c, x: beam.search(net.decoding.decoder, p, c, x, length, width, 0, penalty))
    hypotheses = search(params, carry, first)
    symbols, log_probs, scores = (
        np.asarray(a[:, 0]) for a in (hypotheses.symbols, hypotheses.log_probs, hypotheses.scores)
    )
    rows = [
        {"answer": outputs.decode(answer), "probability": float(np.exp(log_prob)), "score": float(score)}
        for answer, log_prob, score in zip(symbols, log_probs, scores, strict=True)
    ]
    lines = [f"{text}"] + [f"  {row['probability']:.4f}  {row['answer']}" for row in rows]
    attention = None
    if net.decoding.decoder.attention is not None:
        best = np.asarray(hypotheses.symbols[0, 0])[: int(hypotheses.lengths[0, 0])]
        decoder_inputs = jnp.concatenate([first[None], jnp.asarray(best[:-1], first.dtype)[:, None, None]])
        weights = np.asarray(net.decoding.decoder.attention(params, carry, decoder_inputs))[:, 0]
        inputs = run.dataset.symbols.inputs
        numbers = np.asarray(batch.xs.source[..., 0, 0]).astype(int)
        names = [inputs.names[n] for n in numbers] if inputs is not None else [""] * len(numbers)
        attention = (weights, [outputs.names[number] or "end" for number in best], names)
    return Answer("\n".join(lines), rows, text, attention)


def _label(run, batch, text):
    """Labels a text: one label per symbol, or one for the whole text."""
    ys = np.asarray(run.evaluator.predict(run.params, batch))[:, 0]
    counted = np.asarray(batch.weights)[:, 0] > 0
    outputs = run.dataset.symbols.outputs
    if outputs is None:  # a picture
        side = int(np.sqrt(ys.shape[-1]))
        picture = 1 / (1 + np.exp(-ys[counted][-1].reshape(side, side)))
        return Answer(text, [{"input": text}], text, picture=picture)
    if counted.sum() > 1 or run.dataset.symbols.question.name == "sentence":
        labels = [outputs.names[number] for number in ys[counted].argmax(axis=-1)]
        rows = [{"symbol": symbol, "label": label} for symbol, label in zip(text.split(), labels, strict=True)]
        return Answer("\n".join(f"{row['symbol']}\t{row['label']}" for row in rows), rows, text)
    probabilities = np.asarray(jax.nn.softmax(ys[counted][-1]))
    rows = [{"label": outputs.names[n], "probability": float(probabilities[n])} for n in np.argsort(-probabilities)[:5]]
    return Answer("\n".join([text, *(f"  {r['probability']:.4f}  {r['label']}" for r in rows)]), rows, text)


@functools.lru_cache(maxsize=4)
def _greedy(net, length):
    def run(params, source, mask):
        decoder_params, carry = net.decoding.encode(params, source, mask)
        first = net.decoding.start(source.shape[1:-1])
        _, symbols, _ = decode.sample(net.decoding.decoder, decoder_params, carry, first, length, draws.greedy)
        return symbols[..., 0].astype(int)

    return jax.jit(run)


def _sampler(net, length, draw):
    def run(params, xs, key):
        carry = decode.warm_up(net, params, net.initial(params, xs.shape[1:-1]), xs[:-1])
        return decode.sample(net, params, carry, xs[-1], length, draw, key)

    return jax.jit(run)
