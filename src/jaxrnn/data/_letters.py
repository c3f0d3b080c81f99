"""Texts as arrays of code points. A large ASCII file is memory-mapped, so only the parts in use are in memory."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxrnn.data import _assets

LARGE = 64 * 2**20  # bytes; files of this size or more are mapped
CHUNK = 2**24
MAX_LETTERS = 2**31 - 1  # largest index that fits an int32
PLAIN = [*(ord(letter) for letter in "\t\n\v\f"), *range(32, 127)]
WHITE = [ord(letter) for letter in "\t\n\v\f "]


class Letters(NamedTuple):
    """Text as numbers.

    Fields:
      codes: the code points [N]; uint8 if all are ASCII, else uint32.
      counts: how often each code point occurs, [largest code point + 1].
    """

    codes: np.ndarray
    counts: np.ndarray

    def text(self, begin, end):
        """Returns the letters from index `begin` up to, but not including, `end`."""
        return "".join(map(chr, self.codes[begin:end].tolist()))


def of_text(text):
    """Returns the `Letters` of a string."""
    codes = np.frombuffer(text.encode(), np.uint8) if text.isascii() else np.frombuffer(text.encode("utf-32-le"), "<u4")
    return Letters(codes, np.bincount(codes))


def of_lines(lines):
    """Returns the `Letters` of a text, a list of its lines without newlines at their ends.

    Raises:
      ValueError: if a line is not a string, or the text is empty or contains a zero byte.
    """
    is_table = isinstance(lines, dict) or hasattr(lines, "columns")
    if is_table or not all(isinstance(line, str) for line in lines):
        raise ValueError("data.path: expected a file or a list of strings, one per line of the text")
    return of_text(_assets.checked_text("the text", "\n".join(line.rstrip("\r\n") for line in lines)))


def of_file(path):
    """Returns the `Letters` of a UTF-8 text file, with newlines as line ends.

    A file of 64 MiB or more is memory-mapped if it is all ASCII and its lines end in newlines. It then need not fit
    into memory, but must not change while it is in use. Every other file is read into memory.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if the file is not UTF-8 text, or has more letters than an int32 can index.
    """
    file_path = Path(path)
    letters = None
    if file_path.is_file() and file_path.stat().st_size >= LARGE:
        letters = _mapped(file_path)
    if letters is None:
        letters = of_text(_assets.read_text(path))
    if len(letters.codes) > MAX_LETTERS:
        raise ValueError(f"{path}: {len(letters.codes):,} letters, at most {MAX_LETTERS:,} can be read; split the file")
    return letters


def _mapped(path):
    """Maps a file as `Letters`; returns None if it has bytes other than plain ASCII, or only white space."""
    counts = np.zeros(256, int)
    with path.open("rb") as file:  # not through the map, whose pages would count as this process's memory
        while chunk := file.read(CHUNK):
            counts += np.bincount(np.frombuffer(chunk, np.uint8), minlength=256)
    if counts.sum() > counts[PLAIN].sum() or counts.sum() == counts[WHITE].sum():
        return None
    return Letters(np.memmap(path, np.uint8, "r"), counts)
