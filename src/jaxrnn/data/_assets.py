"""Reads the files that ship with the package, and the user's own text files.

`scripts/build_assets.py` builds the shipped files and lists their sources.
"""

import codecs
import lzma
import shlex
from pathlib import Path

MARKS = {  # encoding: the byte order marks that files begin with
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
FOLDER = Path(__file__).parent / "assets"


def text(name):
    """Returns the content of a shipped text file, decompressed."""
    return lzma.decompress((FOLDER / f"{name}.txt.xz").read_bytes()).decode()


def lines(text):
    """Splits a text at newlines only, so that line numbers match an editor's.

    `str.splitlines` also splits at form feeds, U+0085 and U+2028.
    """
    return text.removesuffix("\n").split("\n")


def read_text(path, key="data.path"):
    """Reads the user's UTF-8 text file and converts its line ends to newlines.

    Args:
      path: the file.
      key: the configuration key of the path, for messages.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if it is not a regular file, not UTF-8, empty, or contains a zero byte. The message names the byte or
        the line.
    """
    path, encoded = _read_bytes(path, key)
    return checked_text(path, _decoded(path, encoded))


def read_table(path, encoding=None, key="data.path"):
    """Reads the user's table as text and returns (text, encoding); arguments and errors as in `read_text`.

    Args:
      path, key: as in `read_text`.
      encoding: the encoding, by Python's name; None for UTF-8, or UTF-16 or UTF-32 with a byte order mark.
    """
    path, encoded = _read_bytes(path, key)
    if encoding is None:
        encoding = next((name for name, marks in MARKS.items() if encoded.startswith(marks)), "utf-8")
    if encoding.lower() in ("utf-8", "utf8", "utf-8-sig"):
        return checked_text(path, _decoded(path, encoded, ", or give data.encoding={}")), "utf-8"
    try:
        return checked_text(path, encoded.decode(encoding)), encoding
    except LookupError as error:
        raise ValueError(f"data.encoding={encoding}: Python has no such encoding; try cp1252 or utf-16") from error
    except UnicodeError as error:
        raise ValueError(f"data.encoding={encoding}: {path} has another encoding ({error})") from error


def _read_bytes(path, key):
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{key}={path}: no such file")
    if not path.is_file():  # reading a pipe would block
        raise ValueError(f"{key}={path} is not a regular file")
    return path, path.read_bytes()


def _decoded(path, encoded, remedy=""):
    """Returns UTF-8 bytes as text; `remedy` is added to the message, with the name of the likely encoding."""
    if (name := _wide_encoding(encoded)) is not None:
        raise ValueError(f"{path} is {name}, not UTF-8; convert it: {_conversion(path, name)}{remedy.format(name)}")
    try:
        return encoded.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"{path}: byte {error.start} is not UTF-8; "
        try:
            encoded.decode("cp1252")
        except UnicodeDecodeError:
            raise ValueError(f"{problem}save the file as UTF-8") from error
        conversion = _conversion(path, "WINDOWS-1252") + remedy.format("cp1252")
        raise ValueError(f"{problem}if it is Windows-1252, convert it: {conversion}") from error


def checked_text(path, content):
    """Returns a text with newlines at the ends of its lines; raises ValueError if it is empty or not text."""
    if not content.strip():
        raise ValueError(f"{path} is empty")
    if "\0" in content:
        line = content[: content.index("\0")].count("\n") + 1
        raise ValueError(f"{path}, line {line}: contains a zero byte, which is not text")
    return content.replace("\r\n", "\n").replace("\r", "\n")


def _wide_encoding(encoded):
    """Returns iconv's name of the encoding of UTF-16 or UTF-32 bytes, or None for other bytes.

    Recognises a byte order mark, or UTF-16 without one by its many zeros at only the even or only the odd bytes.
    """
    for name, marks in MARKS.items():
        if encoded.startswith(marks):
            return name.upper()
    zero_shares = [encoded[offset::2].count(0) / max(len(encoded) // 2, 1) for offset in (0, 1)]
    names = {(True, False): "UTF-16BE", (False, True): "UTF-16LE"}
    return names.get((zero_shares[0] > 0.5, zero_shares[1] > 0.5))


def _conversion(path, encoding):
    """Returns the shell command that writes a UTF-8 copy of a file."""
    copy = path.with_name(f"{path.stem}.utf8{path.suffix}")
    return f"iconv -f {encoding} -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(str(copy))}"
