"""Symbols: letters, words, phonemes, tags or labels, and the numbers that networks see for them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

UNKNOWN = "\ufffd"  # what stands for a symbol that the training part does not hold


@dataclass(frozen=True)
class Symbols:
    """A vocabulary.

    Fields:
      names: the symbols in the order of their numbers.
      separator: what stands between two symbols in a text; empty for letters.
      end: whether the first symbol ends a sequence and is not shown.
    """

    names: tuple[str, ...]
    separator: str = ""
    end: bool = False

    @property
    def size(self) -> int:
        """How many symbols there are."""
        return len(self.names)

    @cached_property
    def _numbers(self):
        return {name: number for number, name in enumerate(self.names)}

    def split(self, text: str) -> list[str]:
        """The symbols of a text."""
        return list(text) if self.separator == "" else text.split()

    def encode(self, text: str | list[str]) -> np.ndarray:
        """The numbers [T] of the symbols of a text, or of a list of symbols.

        Raises:
          ValueError: if one is not in the vocabulary and this holds no `UNKNOWN`; it names the symbol.
        """
        numbers = self._numbers
        symbols = self.split(text) if isinstance(text, str) else text
        unseen = [symbol for symbol in symbols if symbol not in numbers]
        if unseen and UNKNOWN not in numbers:
            raise ValueError(f"{unseen[0]!r} is no symbol of the training data")
        return np.array([numbers.get(symbol, numbers.get(UNKNOWN)) for symbol in symbols], np.int32)

    def decode(self, numbers: Any) -> str:
        """The text of numbers [T], up to the end symbol; a number below 0 is `UNKNOWN`."""
        names = []
        for number in np.asarray(numbers).ravel().tolist():
            if self.end and number == 0:
                break
            names.append(self.names[number] if number >= 0 else UNKNOWN)
        return self.separator.join(names)


def vocabulary(sequences: Any, separator: str = "", end: bool = False, unknown: bool = False) -> Symbols:
    """The `Symbols` of sequences of symbols, in alphabetical order.

    Args:
      sequences: lists of symbols, or texts.
      separator, end: as in `Symbols`; the end symbol is the empty text.
      unknown: whether one more stands for symbols that the sequences do not hold.
    """
    found = sorted({symbol for sequence in sequences for symbol in sequence})
    return Symbols((*([""] if end else []), *([UNKNOWN] if unknown else []), *found), separator, end)
