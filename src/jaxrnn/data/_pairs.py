"""Sequences of symbols with an answer that has symbols and a length of its own."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.data import _shown
from jaxrnn.data._stored import Examples, one, padded, stored
from jaxrnn.losses import smoothed_cross_entropy
from jaxrnn.metrics import accuracy, cross_entropy, exact_match
from jaxrnn.symbols import Symbols, vocabulary
from jaxrnn.types import Question


def pairs(splits, name, default, separators=("", ""), label_smoothing=0.0, backwards=False, **further):
    """The data set of pairs of texts.

    Args:
      splits: {"train", "validation", "test": [(source, target), ...]}.
      name: what the question is called, such as "word".
      default: the source that is asked where none is given.
      separators: what stands between the symbols of a source and of a target: "" for letters, " " for words.
      label_smoothing: of the loss, in [0, 1).
      backwards: whether sources are read from their ends (Sutskever, Vinyals & Le 2014).
      further: other fields of `Dataset`.
    """
    separate = [Symbols((), separator).split for separator in separators]
    train = [(separate[0](source), separate[1](target)) for source, target in splits["train"]]
    inputs = vocabulary([source for source, _ in train], separators[0], unknown=True)
    outputs = vocabulary([target for _, target in train], separators[1], end=True)
    way = slice(None, None, -1 if backwards else 1)

    def examples(many):
        sources, lengths = padded([inputs.encode(separate[0](source))[way] for source, _ in many])
        targets, answers = padded([[*_numbers(separate[1](target), outputs), 0] for _, target in many])
        return Examples(sources, lengths, targets, answers)

    found = {part: examples(many) for part, many in splits.items()}
    longest = found["train"].targets.shape[1]

    def asked(text):
        return one("answer", inputs.encode(separate[0](text))[way][:, None], np.zeros((longest, 1), np.int32))

    smooth = {} if label_smoothing == 0 else {"cross_entropy": cross_entropy()}
    return stored(
        found,
        "answer",
        outputs.size,
        {"most frequent symbol of each place": by_place(found["train"], outputs.size)},
        **{
            "loss": smoothed_cross_entropy(label_smoothing),
            "metrics": {"accuracy": accuracy(), "exact": exact_match(), **smooth},
            "inputs": inputs,
            "outputs": outputs,
            "question": Question(name, asked, default),
            "shown": _shown.answered(lambda source, number: {"input": inputs.decode(source[way])}, outputs),
            "notes": tuple(_notes(found)),
        }
        | further,
    )


def by_place(train, size):
    """Batch -> ys [T, B, K]: how often each symbol came at each place of the answers of the training part."""
    steps = train.targets.shape[1]
    counts = np.full((steps, size), 1e-3, np.float32)
    for place in range(steps):
        valid = train.answers > place
        counts[place] += np.bincount(train.targets[valid, place, 0], minlength=size)
    logits = np.log(counts / counts.sum(axis=1, keepdims=True))

    def predict(batch):
        steps, rows = batch.targets.shape[:2]
        places = np.minimum(np.arange(steps), len(logits) - 1)
        return jnp.broadcast_to(jnp.asarray(logits[places], float)[:, None], (steps, rows, size))

    return predict


def _numbers(answer, outputs):
    """The numbers of an answer's symbols; -1 for one that no answer of the training part holds."""
    known = set(outputs.names)
    return [outputs.encode([symbol])[0] if symbol in known else -1 for symbol in answer]


def _notes(parts):
    """A sentence about each part, {name: `Examples`}, with answers that cannot be said."""
    for name, examples in parts.items():
        count = int((examples.targets < 0).any(axis=(1, 2)).sum())
        if count:
            yield (f"{count} of {len(examples.targets)} answers of {name} hold a symbol that no training answer holds; "
                   "they count as wrong, and such a symbol has no loss")  # fmt: skip
