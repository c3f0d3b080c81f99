"""Vocabularies: the symbols (letters, words, phonemes, tags or labels) and their numbers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

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
