"""Builds data sets of text pairs: the answer has its own symbols and its own length."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from jaxrnn.data import _descriptions
from jaxrnn.data.examples import Examples, pad, single_batch, stored
from jaxrnn.dataset import Loss
from jaxrnn.losses import smoothed_cross_entropy
from jaxrnn.metrics import accuracy, cross_entropy, exact_match
from jaxrnn.symbols import Question, SymbolData, Symbols, vocabulary


def pairs(
    splits,
    name,
    default,
    separators=("", ""),
    label_smoothing=0.0,
    backwards=False,
    prepare: Callable[[str], str] = str,
):
    """Builds the data set of text pairs.

    Args:
      splits: {"train", "validation", "test": [(source, target), ...]}.
      name: the name of the question, such as "word".
      default: the source to answer if the user gives none.
      separators: the separators of the symbols of a source and of a target: "" for letters, " " for words.
      label_smoothing: the label smoothing of the loss, in [0, 1).
      prepare: (text of the user) -> text, applied to a question.
      backwards: whether sources are reversed (Sutskever, Vinyals & Le 2014).
    """
    separate = [Symbols((), separator).split for separator in separators]
    train = [(separate[0](source), separate[1](target)) for source, target in splits["train"]]
    inputs = vocabulary([source for source, _ in train], separators[0], unknown=True)
    outputs = vocabulary([target for _, target in train], separators[1], end=True)
    direction = slice(None, None, -1 if backwards else 1)

    def encode(text_pairs):
        sources, lengths = pad([inputs.encode(separate[0](source))[direction] for source, _ in text_pairs])
        targets, answers = pad([[*_numbers(separate[1](target), outputs), 0] for _, target in text_pairs])
        return Examples(sources, lengths, targets, answers)

    examples = {part: encode(text_pairs) for part, text_pairs in splits.items()}
    longest = examples["train"].targets.shape[1]

    def question_batch(text):
        xs = inputs.encode(separate[0](prepare(text)))[direction][:, None]
        return single_batch("answer", xs, np.zeros((longest, 1), np.int32))

    def describe_source(source, row):
        return {"input": inputs.decode(source[direction])}

    smooth = {} if label_smoothing == 0 else {"cross_entropy": cross_entropy()}
    return stored(
        examples,
        "answer",
        outputs.size,
        {"most frequent symbol of each place": log_frequencies(examples["train"], outputs.size)},
        loss=Loss(smoothed_cross_entropy(label_smoothing), "cross-entropy (nats)"),
        metrics={"accuracy": accuracy(), "exact_match": exact_match(), **smooth},
        symbols=SymbolData(
            inputs,
            outputs,
            Question(name, question_batch, default),
            _descriptions.answered(describe_source, outputs),
        ),
        notes=tuple(_notes(examples)),
    )


def log_frequencies(train, size):
    """Returns Batch -> ys [T, B, K]: log of how often each symbol has each position in the training answers."""
    steps = train.targets.shape[1]
    counts = np.full((steps, size), 1e-3, np.float32)
    for step in range(steps):
        valid = train.answers > step
        counts[step] += np.bincount(train.targets[valid, step, 0], minlength=size)
    logits = np.log(counts / counts.sum(axis=1, keepdims=True))

    def predict(batch):
        steps, rows = batch.targets.shape[:2]
        positions = np.minimum(np.arange(steps), len(logits) - 1)
        return jnp.broadcast_to(jnp.asarray(logits[positions], float)[:, None], (steps, rows, size))

    return predict


def _numbers(answer, outputs):
    """Returns the indices of an answer's symbols; -1 if no training answer contains the symbol."""
    known = set(outputs.names)
    return [outputs.encode([symbol])[0] if symbol in known else -1 for symbol in answer]


def _notes(parts):
    """Yields a sentence for each part, {name: `Examples`}, with symbols that no training answer contains."""
    for name, examples in parts.items():
        count = int((examples.targets < 0).any(axis=(1, 2)).sum())
        if count:
            yield (
                f"{count} of {len(examples.targets)} answers of {name} contain a symbol that no training answer "
                "contains; they count as wrong, and the symbol has no loss"
            )
