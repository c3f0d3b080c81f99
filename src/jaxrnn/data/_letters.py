"""Texts as arrays of code points. A large file of ASCII letters is mapped: only what is read of it is in memory."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxrnn.data import _assets

LARGE = 64 * 2**20  # bytes from which a file is mapped
CHUNK = 2**24
MOST = 2**31 - 1  # letters, that an int32 can number
PLAIN = [*(ord(letter) for letter in "\t\n\v\f"), *range(32, 127)]
WHITE = [ord(letter) for letter in "\t\n\v\f "]


class Letters(NamedTuple):
    """A text.

    Fields:
      codes: the code points [N], uint8 where all are ASCII, else uint32.
      counts: how often each code point is there, [largest code point + 1].
    """

    codes: np.ndarray
    counts: np.ndarray

    def text(self, begin, end):
        """The letters from one place to another."""
        return "".join(map(chr, self.codes[begin:end].tolist()))


def of_text(text):
    """The `Letters` of a text in memory."""
    codes = np.frombuffer(text.encode(), np.uint8) if text.isascii() else np.frombuffer(text.encode("utf-32-le"), "<u4")
    return Letters(codes, np.bincount(codes))


def of_file(path):
    """The `Letters` of a text file in UTF-8, line ends as newlines.

    A file of 64 MiB or more is mapped if it is ASCII throughout and its lines end in newlines alone, so that it need
    not fit into memory, and must not change while it is used; any other is read.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file is not text in UTF-8, or has more letters than can be numbered.
    """
    place = Path(path)
    letters = None
    if place.is_file() and place.stat().st_size >= LARGE:
        letters = _mapped(place)
    if letters is None:
        letters = of_text(_assets.read_text(path))
    if len(letters.codes) > MOST:
        raise ValueError(f"{path}: {len(letters.codes):,} letters; at most {MOST:,} can be read, so split the file")
    return letters


def _mapped(place):
    """The `Letters` of a file; None where its bytes are not its letters, one by one, or all of them are white."""
    counts = np.zeros(256, int)
    with place.open("rb") as file:  # not through the map, whose pages would count as this process's memory
        while chunk := file.read(CHUNK):
            counts += np.bincount(np.frombuffer(chunk, np.uint8), minlength=256)
    if counts.sum() > counts[PLAIN].sum() or counts.sum() == counts[WHITE].sum():
        return None
    return Letters(np.memmap(place, np.uint8, "r"), counts)
