"""Finds how a table is written: what separates its fields, and the line where its rows begin."""

import contextlib
import csv
import re
from typing import NamedTuple

DELIMITERS = (",", "\t", ";", "|")
DECIMAL = re.compile(r"[+-]?\d+,\d+")
NAMES = {"tab": "\t", "\\t": "\t", "space": " "}
NUMBER = re.compile(r"[+-]?[.,]?\d[\d.,:+\-/ '\u00a0\u202f\u2019]*([TeE][\d.:+-]*Z?)?")
QUOTED = re.compile(r'"([^"]|"")*"')
SAMPLE = 100  # lines that are looked at
MIN_ROWS = 3  # rows after a title from which lines above the table are recognised


class Dialect(NamedTuple):
    """Delimiter of the fields, and the number of lines before the first row."""

    delimiter: str
    skip_rows: int


def of_text(text, delimiter: str | None = None, skip_rows=None):
    """Returns the `Dialect` of a table.

    A delimiter is plain if it splits all lines of the beginning into the same number of fields; blanks are delimiters
    only if the first line has no other one. Lines above the table are plain if they have one field each and a line of
    names follows them.

    Args:
      text: the text of the file, with newlines at the ends of lines.
      delimiter, skip_rows: values that the user sets; None to find them.
    """
    lines = text[: SAMPLE * 10_000].split("\n", SAMPLE)[:SAMPLE]
    first = _next_line(lines, skip_rows or 0)
    if delimiter is not None:
        candidates = [NAMES.get(delimiter, delimiter)]
    else:
        header, *values = [line.strip() for line in lines[first:] if line.strip()] or [""]
        if any(mark in header for mark in DELIMITERS):
            candidates = [*DELIMITERS[1:], DELIMITERS[0]]
        elif values and all(map(DECIMAL.fullmatch, values)):
            return Dialect(";", first)  # one column of decimal commas
        else:
            candidates = [*DELIMITERS[1:], DELIMITERS[0], " "]
    rows = {candidate: _rows(lines[first:], candidate) for candidate in candidates}
    if len(lines) == SAMPLE:  # the last record may be cut
        rows = {candidate: records[:-1] for candidate, records in rows.items()}
    for candidate in candidates:
        for start in range(len(rows[candidate]) if skip_rows is None else 1):
            if _is_table(rows[candidate], start):
                titles = rows[candidate][start - 1][0] if start else 0
                return Dialect(candidate, _next_line(lines, first + titles))
    return Dialect(max(rows, key=lambda candidate: (_similar(rows[candidate]), candidate == ",")), first)


def has_even_tabs(text, skip_rows):
    """Returns whether all lines have the same number of tabs, so that no quoted field holds a tab or a line break."""
    counts = {line.count("\t") for line in text.split("\n")[skip_rows:] if line.strip()}
    return len(counts) == 1


def has_header(frame, names):
    """Returns whether the first row of a `pandas.DataFrame` of strings names the columns; `names` are the user's.

    It does not if it holds numbers above numbers, or if a column repeats its value and the user gives indices only.
    """
    first = [str(field).strip() for field in frame.iloc[0]]
    named = {str(name) for name in names if isinstance(name, str) or name >= len(first)}
    is_counted = len(first) > 1 and first == [str(number) for number in range(len(first))]  # as pandas names columns
    if named & set(first) or is_counted or len(frame) < 2:
        return True
    second = [str(field) for field in frame.iloc[1]]
    are_numbers = [(is_number(a), is_number(b)) for a, b in zip(first, second, strict=True)]
    if any(a for a, _ in are_numbers):
        return any(b and not a for a, b in are_numbers)
    is_repeated = (frame.iloc[1:] == frame.iloc[0]).any().any()
    return not (is_repeated and names and all(isinstance(name, int) for name in names))


def unquoted(field):
    """Returns a field without the quotation marks around it, if it has such."""
    return field[1:-1].replace('""', '"') if QUOTED.fullmatch(field) else field


def _next_line(lines, first):
    """Returns the index of the first line that is not empty, from `first` on."""
    return next((index for index in range(first, len(lines)) if lines[index].strip()), first)


def is_number(field):
    """Returns whether a field is a number, or a date or time in digits."""
    return NUMBER.fullmatch(field.strip()) is not None


def _rows(lines, delimiter):
    """Returns [(number of its last line, fields), ...] of the lines that are not empty."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, skipinitialspace=True)
    rows = []
    with contextlib.suppress(csv.Error):  # a field too long for a number or a name; pandas reads it
        rows.extend((reader.line_num, row) for row in reader if row)
    return rows


def _is_table(rows, start):
    """Returns whether all rows from `start` on have the same number of fields, and those before it are titles."""
    widths = {len(row) for _, row in rows[start:]}
    if len(widths) != 1 or widths == {1}:
        return False
    if start == 0:
        return True
    titles = all(len([field for field in row if field.strip()]) <= 1 or row[0].startswith("#")
                 for _, row in rows[:start])  # fmt: skip
    return titles and len(rows) - start > MIN_ROWS and not any(map(is_number, rows[start][1]))


def _similar(rows):
    """Returns the number of rows that are as wide as the first, if it has several fields."""
    width = len(rows[0][1]) if rows else 1
    return sum(len(row) == width for _, row in rows) if width > 1 else 0
