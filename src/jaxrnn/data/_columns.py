"""Columns of a table in a text file or in memory, read by pandas: names, texts, and numbers with their gaps."""

import csv
import io
import math
import re
from typing import NamedTuple

import numpy as np

from jaxrnn import hints
from jaxrnn.data import _assets, _dialect, _frames, _numbers
from jaxrnn.data._gaps import Missing
from jaxrnn.data._numbers import GAPS

SHOWN = 40  # characters of a field in a message


class Reading(NamedTuple):
    """Options of a table in a file, named as the arguments of `jaxrnn.data.csv`; None to find a value."""

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    missing_values: tuple[str, ...] = ()
    skip_rows: int | None = None
    header: bool | None = None
    encoding: str | None = None


class Table:
    """Table whose first row names the columns; without such a row they are "column 0", "column 1" ...

    A table in memory has the names that `_frames.texts_of` describes.

    Fields:
      path: the file's path; "the table" for one in memory.
      header: the names of the columns.
      delimiter: the delimiter of the fields; None in memory.
      notes: sentences about what was found out about the form of the file.
    """

    def __init__(self, source, names=(), reading=Reading()):
        """Reads a file or a table in memory; `names` are the columns that the user names, by name or index."""
        self._missing_numbers = {_numbers.PLAIN.parse(text) for text in reading.missing_values}
        self._texts, self.reading = {}, reading
        self._is_file = _frames.is_file(source)
        if self._is_file:
            self._read_file(source, names)
        else:
            self._read_memory(source, names)

    def _read_memory(self, source, names):
        for key in ("delimiter", "skip_rows", "header", "encoding"):
            if getattr(self.reading, key) is not None:
                raise ValueError(f"data.{key}: it describes a file, but the table is in memory; leave it out")
        self.header, self._frame = _frames.texts_of(source, names)
        self.path, self.delimiter, self.notes, self._skipped = _frames.NAME, None, (), 0
        self._rows = np.flatnonzero(~(self._frame == "").all(axis=1).to_numpy())

    def _read_file(self, path, names):
        reading = self.reading
        text, encoding = _assets.read_table(path, reading.encoding)
        dialect = _dialect.of_text(text, reading.delimiter, reading.skip_rows)
        self.path, self.delimiter = path, dialect.delimiter
        self._skipped, self._frame = dialect.skip_rows, self._parse(text, dialect)
        first = [str(field).strip() for field in self._frame.iloc[0]]
        has_header = _dialect.has_header(self._frame, names) if reading.header is None else reading.header
        self.header = first if has_header else [f"column {number}" for number in range(len(first))]
        is_empty = (self._frame == "").all(axis=1).to_numpy()
        self._rows = np.flatnonzero(~is_empty)[int(has_header) :]
        if not len(self._rows):
            raise ValueError(f"{path} has a header but no values")
        titles = any(line.strip() for line in text.split("\n", self._skipped)[: self._skipped])
        self.notes = tuple(_guess_notes(path, reading, {
            "encoding": (encoding, "utf-8"),
            "delimiter": ({"\t": "tab", " ": "space"}.get(dialect.delimiter, dialect.delimiter), ","),
            "skip_rows": (self._skipped * titles, 0),
            "header": (has_header, True),
        }))  # fmt: skip

    def _parse(self, text, dialect):
        """Returns the `pandas.DataFrame` of all fields as strings, with one row per record, empty ones included."""
        import pandas  # imported here: it takes half a second

        is_unquoted = dialect.delimiter == "\t" and _dialect.has_even_tabs(text, dialect.skip_rows)
        options = {"sep": dialect.delimiter, "skiprows": dialect.skip_rows, "header": None, "dtype": object}
        options |= {"na_filter": False, "skip_blank_lines": False, "skipinitialspace": True, "low_memory": False}
        try:
            if not is_unquoted:
                return pandas.read_csv(io.StringIO(text), **options)
            frame = pandas.read_csv(io.StringIO(text), quoting=csv.QUOTE_NONE, **options)
            return frame.map(_dialect.unquoted) if '"' in text else frame
        except pandas.errors.EmptyDataError as error:
            raise ValueError(f"{self.path}: data.skip_rows={dialect.skip_rows} leaves no rows") from error
        except pandas.errors.ParserError as error:
            if match := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error)):
                width, line, count = match.groups()
                reason = f"line {line}: {count} fields, but the header has {width}"
            elif match := re.search(r"EOF inside string starting at row (\d+)", str(error)):
                reason = f"line {dialect.skip_rows + int(match[1]) + 1}: a quotation mark has no end"
            else:
                reason = str(error).strip()
            raise ValueError(f"{self.path}, {reason}") from error

    def index(self, column, key):
        """Returns the index of a column, given its name or its index from 0; `key` is the user's key in messages.

        Raises:
          ValueError: if no column, or more than one, has this name.
        """
        name = str(column)
        if isinstance(column, int) and name not in self.header and 0 <= column < len(self.header):
            return column
        indices = [index for index, other in enumerate(self.header) if other == name]
        if not indices:
            raise ValueError(f"{key}={name}: {self.path} has no such column; it has {', '.join(self.header) or 'none'}")
        if len(indices) > 1:
            raise ValueError(f"{key}={name}: {self.path} has {len(indices)} columns with this name; rename all but one")
        return indices[0]

    def __len__(self):
        return len(self._rows)

    def texts(self, index):
        """Returns the strings of a column without surrounding blanks, [N]."""
        if index not in self._texts:
            self._texts[index] = [text.strip() for text in self._frame[index].to_numpy()[self._rows].tolist()]
        return self._texts[index]

    def groups(self, indices):
        """Returns {name: row numbers} of the rows with the same texts in some columns, in order of appearance.

        Raises:
          ValueError: if a text is empty.
        """
        rows = {}
        for row, texts in enumerate(zip(*map(self.texts, indices), strict=True)):
            if not all(texts):
                raise ValueError(f"{self.where(row, indices[texts.index('')])}: the name of the series is missing")
            rows.setdefault(" ".join(texts), []).append(row)
        return rows

    def is_gap(self, text):
        """Returns whether a text stands for a missing value."""
        return text.lower() in GAPS or text in self.reading.missing_values

    def series_column(self, time_index, used=()):
        """Returns the name of the column that tells the rows of one time apart, such as a shop; None without one.

        `used` are the indices of the columns that are read.
        """
        times = self.texts(time_index)
        for index, name in enumerate(self.header):
            values = self.texts(index)
            is_repeated = 1 < len(set(values)) <= len(values) // 2
            if (
                index not in (time_index, *used)
                and is_repeated
                and len(set(zip(times, values, strict=True))) == len(values)
            ):
                return name
        return None

    def where(self, row, index=None):
        """Describes the position of a row or a field, for messages."""
        record = int(self._rows[row])
        column = "" if index is None else f", column {self.header[index]!r}"
        if not self._is_file:
            return f"{self.path}, row {record + 1}{column}"
        breaks = self._frame.iloc[: record + 1].map(lambda text: text.count("\n")).to_numpy().sum()
        return f"{self.path}, line {self._skipped + record + 1 + int(breaks)}{column}"

    def number_format(self, indices):
        """Returns the `NumberFormat` of some columns."""
        texts = [[text for text in self.texts(index) if not self.is_gap(text)] for index in indices]
        try:
            return _numbers.format_of(texts, self.delimiter, self.reading.decimal, self.reading.thousands)
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from error

    def categories(self, index):
        """Returns the different texts of a column of categories, sorted; an empty list for a column of numbers."""
        texts = {text for text in self.texts(index) if not self.is_gap(text)}
        return [] if any(map(_dialect.is_number, texts)) else sorted(texts)

    def numbers(self, index, rows, missing: Missing, form=_numbers.PLAIN):
        """Reads the numbers of a column, [n], with NaN for a missing value.

        Args:
          index: the index of the column.
          rows: the numbers of the n rows to read.
          missing: "error" raises at a gap; the caller applies the other rules.
          form: the `NumberFormat`.

        Raises:
          ValueError: if a field is not a number, a gap is refused, or the column has no values. The message names the
            line and the column.
        """
        texts = [self.texts(index)[row] for row in rows]
        if form == _numbers.PLAIN and not self.reading.missing_values:
            values = _numbers.plain(texts)
            if values is not None and len(values):
                return values
        values = np.array(
            [self._number(row, index, text, missing, form) for row, text in zip(rows, texts, strict=True)]
        )
        if np.isnan(values).all():
            raise ValueError(f"{self.path}, column {self.header[index]!r}: all values are missing")
        return values

    def _number(self, row, index, text, missing, form):
        value = form.parse(text)
        is_marked = text in self.reading.missing_values or value in self._missing_numbers
        if is_marked or (math.isnan(value) and text.lower() in GAPS and (missing != "error" or text == "")):
            return math.nan if missing != "error" else self.refuse_gap(row, index)
        if math.isnan(value):
            shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
            raise ValueError(f"{self.where(row, index)}: {shown!r} is not a finite number")
        return value

    def refuse_gap(self, row, index):
        """Raises ValueError for a missing value."""
        raise ValueError(
            f"{self.where(row, index)}: the value is missing; fill the gap, leave the row out, or "
            "give data.missing=interpolate or forward_fill"
        )


def _guess_notes(path, reading, values):
    """Yields a sentence about the options, {key: (value, default)}, that were found out and are not the default."""
    guesses = {key: value for key, (value, default) in values.items()
               if getattr(reading, key) is None and value != default}  # fmt: skip
    if guesses:
        options = " ".join(
            hints.argument(f"data.{key}", value) if isinstance(value, str) else f"data.{key}={str(value).lower()}"
            for key, value in guesses.items()
        )
        yield f"{path} is read with {options}; give other values if this is wrong"
