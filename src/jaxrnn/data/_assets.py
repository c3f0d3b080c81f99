"""The files that ship with the package; `scripts/build_assets.py` makes them and names their sources."""

import csv
import io
import lzma
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
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8 (iconv -f latin1 -t utf8)"
        ) from error
    if not content.strip():
        raise ValueError(f"{path} is empty")
    if "\0" in content:
        line = content[: content.index("\0")].count("\n") + 1
        raise ValueError(f"{path}, line {line}: a byte is zero, which no text holds")
    return content.replace("\r\n", "\n").replace("\r", "\n")


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
