"""Reads the files that ship with the package, and the user's own text files.

`scripts/build_assets.py` builds the shipped files and lists their sources.
"""

import codecs
import csv
import io
import lzma
import shlex
from pathlib import Path

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
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{key}={path}: no such file")
    if not path.is_file():  # reading a pipe would block
        raise ValueError(f"{key}={path} is not a regular file")
    encoded = path.read_bytes()
    if (name := _wide_encoding(encoded)) is not None:
        raise ValueError(f"{path} is {name}, not UTF-8; convert it: {_conversion(path, name)}")
    try:
        content = encoded.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"{path}: byte {error.start} is not UTF-8; "
        try:
            encoded.decode("cp1252")
        except UnicodeDecodeError:
            raise ValueError(f"{problem}save the file as UTF-8") from error
        raise ValueError(f"{problem}if it is Windows-1252, convert it: {_conversion(path, 'WINDOWS-1252')}") from error
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
    if encoded.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if encoded.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    zero_shares = [encoded[offset::2].count(0) / max(len(encoded) // 2, 1) for offset in (0, 1)]
    names = {(True, False): "UTF-16BE", (False, True): "UTF-16LE"}
    return names.get((zero_shares[0] > 0.5, zero_shares[1] > 0.5))


def _conversion(path, encoding):
    """Returns the shell command that writes a UTF-8 copy of a file."""
    copy = path.with_name(f"{path.stem}.utf8{path.suffix}")
    return f"iconv -f {encoding} -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(str(copy))}"


def read_rows(path, key="data.path"):
    """Yields (line number, fields without surrounding blanks) of each row of the user's CSV file.

    Raises:
      ValueError: if a row is not valid CSV, and as `read_text` does.
    """
    reader = csv.reader(io.StringIO(read_text(path, key)))
    try:
        for row in reader:
            yield reader.line_num, [field.strip() for field in row]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error


def column_index(name, header, path, key):
    """Returns the index of the column `name` in a header; `path` and `key` are for messages.

    Raises:
      ValueError: if no column, or more than one, has this name.
    """
    indices = [index for index, column in enumerate(header) if column == name]
    if not indices:
        raise ValueError(f"{key}={name}: {path} has no such column; it has {', '.join(header) or 'none'}")
    if len(indices) > 1:
        raise ValueError(f"{key}={name}: {path} has {len(indices)} columns with this name; rename all but one")
    return indices[0]
