"""The files that ship with the package; `scripts/build_assets.py` makes them and names their sources."""

import codecs
import csv
import io
import lzma
import shlex
from pathlib import Path

FOLDER = Path(__file__).parent / "assets"


def text(name):
    """The content of a compressed text file."""
    return lzma.decompress((FOLDER / f"{name}.txt.xz").read_bytes()).decode()


def lines(text):
    """The lines of a text that end in newlines. Form feeds, U+0085 and U+2028 stay inside a line, unlike with
    `str.splitlines`, so that the numbers of lines are those of an editor."""
    return text.removesuffix("\n").split("\n")


def read_text(path, key="data.path"):
    """The content of a text file of the user's, in UTF-8, its lines ending in newlines.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it is no regular file, not UTF-8, or empty, or holds zero bytes; it names byte or line.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{key}={path}: no such file")
    if not path.is_file():  # a pipe would be waited for
        raise ValueError(f"{key}={path} is no regular file")
    encoded = path.read_bytes()
    if (name := _wide_encoding(encoded)) is not None:
        raise ValueError(f"{path} is {name}, not UTF-8; convert it: {_conversion(path, name)}")
    try:
        content = encoded.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = f"{path}: byte {error.start} is not UTF-8; "
        try:
            encoded.decode("cp1252")
        except UnicodeDecodeError:
            raise ValueError(f"{wrong}save the file as UTF-8") from error
        raise ValueError(f"{wrong}if it is Windows-1252, convert it: {_conversion(path, 'WINDOWS-1252')}") from error
    if not content.strip():
        raise ValueError(f"{path} is empty")
    if "\0" in content:
        line = content[: content.index("\0")].count("\n") + 1
        raise ValueError(f"{path}, line {line}: a byte is zero, which no text holds")
    return content.replace("\r\n", "\n").replace("\r", "\n")


def _wide_encoding(encoded):
    """iconv's name of the encoding of bytes that begin with the mark of UTF-16 or UTF-32, or of whose even or odd ones
    alone most are zero; else None."""
    if encoded.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if encoded.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    zeros = [encoded[place::2].count(0) / max(len(encoded) // 2, 1) for place in (0, 1)]
    names = {(True, False): "UTF-16BE", (False, True): "UTF-16LE"}
    return names.get((zeros[0] > 0.5, zeros[1] > 0.5))


def _conversion(path, encoding):
    """The command that writes a copy of a file in UTF-8."""
    other = path.with_name(f"{path.stem}.utf8{path.suffix}")
    return f"iconv -f {encoding} -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(str(other))}"


def read_rows(path, key="data.path"):
    """(line, fields) of each row of a CSV file of the user's, stripped of blanks; errors as of `read_text`, and where a
    row is none."""
    reader = csv.reader(io.StringIO(read_text(path, key)))
    try:
        for row in reader:
            yield reader.line_num, [field.strip() for field in row]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error


def place_of(name, header, path, key):
    """The place of a column among the header's names.

    Raises:
      ValueError: if there is none, or several.
    """
    places = [place for place, each in enumerate(header) if each == name]
    if not places:
        raise ValueError(f"{key}={name}: {path} has no such column; it has {', '.join(header) or 'none'}")
    if len(places) > 1:
        raise ValueError(f"{key}={name}: {path} has {len(places)} columns of this name; call them differently")
    return places[0]
