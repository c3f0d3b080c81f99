"""Texts as the numbers of their words and punctuation marks. A line break is a symbol too."""

from collections import Counter

import numpy as np

from jaxrnn.data import _words
from jaxrnn.data._letters import Letters
from jaxrnn.symbols import UNKNOWN, Symbols

BREAK = "\n"


def split(text):
    """Returns the words, punctuation marks and line breaks of a text, a list of strings."""
    lines = [_words.separate(line).split() for line in text.split(BREAK)]
    return [symbol for line in lines for symbol in (*line, BREAK)][:-1]


def of_words(words, trained, size):
    """Numbers the words of a text by their frequency in its training part.

    Args:
      words: the words, as `split` returns them.
      trained: the number of words that are for training.
      size: the largest number of symbols. Rarer words are one symbol, `UNKNOWN`.

    Returns:
      (`Letters` with a number per word in place of a code point, `Symbols`).
    """
    frequent = Counter(words[:trained]).most_common(size - 1)
    symbols = Symbols((UNKNOWN, *(word for word, _ in frequent)), " ")
    numbers = symbols.encode(words)
    return Letters(numbers, np.maximum(np.bincount(numbers, minlength=symbols.size), 1)), symbols
