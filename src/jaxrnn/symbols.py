"""Symbols (letters, words, phonemes, tags or labels): vocabularies, questions, and examples for display."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from jaxrnn.batch import Batch

UNKNOWN = "\ufffd"  # the symbol for everything that the training part does not contain


@dataclass(frozen=True)
class Symbols:
    """A vocabulary.

    Fields:
      names: the symbols, ordered by their numbers.
      separator: the text between two symbols; empty for letters.
      end: whether the first symbol marks the end of a sequence; it is not shown.
    """

    names: tuple[str, ...]
    separator: str = ""
    end: bool = False

    @property
    def size(self) -> int:
        """Number of symbols."""
        return len(self.names)

    @cached_property
    def _numbers(self):
        return {name: number for number, name in enumerate(self.names)}

    def split(self, text: str) -> list[str]:
        """Splits a text into symbols."""
        return list(text) if self.separator == "" else text.split()

    def encode(self, text: str | list[str]) -> np.ndarray:
        """Returns the numbers [T] of the symbols of a text or of a list.

        Raises:
          ValueError: if a symbol is not in the vocabulary and the vocabulary has no `UNKNOWN`.
        """
        numbers = self._numbers
        symbols = self.split(text) if isinstance(text, str) else text
        unseen = [symbol for symbol in symbols if symbol not in numbers]
        if unseen and UNKNOWN not in numbers:
            raise ValueError(f"{unseen[0]!r} does not occur in the training data")
        return np.array([numbers.get(symbol, numbers.get(UNKNOWN)) for symbol in symbols], np.int32)

    def decode(self, numbers: Any) -> str:
        """Returns the text of numbers [T], up to the end symbol; numbers below 0 become `UNKNOWN`."""
        names = []
        for number in np.asarray(numbers).ravel().tolist():
            if self.end and number == 0:
                break
            names.append(self.names[number] if number >= 0 else UNKNOWN)
        return self.separator.join(names)


def vocabulary(sequences: Any, separator: str = "", end: bool = False, unknown: bool = False) -> Symbols:
    """Collects the `Symbols` of some sequences, in alphabetical order.

    Args:
      sequences: lists of symbols, or strings of letters.
      separator, end: as in `Symbols`; the end symbol is the empty string.
      unknown: whether to add `UNKNOWN` for symbols that the sequences do not contain.
    """
    names = sorted({symbol for sequence in sequences for symbol in sequence})
    return Symbols((*([""] if end else []), *([UNKNOWN] if unknown else []), *names), separator, end)


class ReadText(Protocol):
    """Reads a text as a batch of one sequence, outside of JAX; raises ValueError for a text that it cannot read."""

    def __call__(self, text: str, /) -> Batch: ...


class Describe(Protocol):
    """Describes sequences for display, outside of JAX; returns one dict per sequence.

    - "input", "target" and "prediction" are strings.
    - "picture" is an array [rows, columns], if the data are pictures.
    - "parts" are the symbols of a sequence with a label per step, as lists: (inputs, targets, predictions).

    `predicted` holds symbols [T, B], or values [T, B, K].
    """

    def __call__(self, batch: Batch, predicted: Any, /) -> list[dict[str, Any]]: ...


class Question(NamedTuple):
    """The input that the command `generate` reads from the user as text.

    Fields:
      name: the key that the user sets, such as "sentence".
      batch: reads the text.
      default: the text that is used if the user sets none.
    """

    name: str
    batch: ReadText
    default: str


class SymbolData(NamedTuple):
    """Vocabularies of a data set, and what a person asks and sees; all None for data without symbols.

    Fields:
      inputs: the `Symbols` whose numbers are xs [T, B, 1]; None if xs are values.
      outputs: the `Symbols` whose logits are the outputs, or None. If xs is a `Pair`, symbol 0 ends an answer.
      question: the `Question` that a user can ask a trained network, or None.
      describe: describes sequences for display; None if they cannot be shown.
    """

    inputs: Symbols | None = None
    outputs: Symbols | None = None
    question: Question | None = None
    describe: Describe | None = None
