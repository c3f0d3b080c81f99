"""Columns of a CSV file: finds them by name or index, and reads their numbers and gaps."""

import math

import numpy as np

from jaxrnn.data import _assets
from jaxrnn.data._gaps import Missing

GAPS = {"", "na", "nan", "null", "none"}  # in lower case


class Table:
    """CSV file whose first row names the columns.

    Fields:
      path: the file's path.
      header: the names of the columns.
      rows: the fields of each row as strings, without empty rows.
      lines: the line number of each row.
    """

    def __init__(self, path):
        rows = _assets.read_rows(path)
        self.path, (_, self.header) = path, next(rows)
        self.rows, self.lines = [], []
        for line, row in rows:
            if any(row):
                if len(row) > len(self.header):
                    raise ValueError(f"{path}, line {line}: {len(row)} fields, but the header has {len(self.header)}")
                self.rows.append(row + [""] * (len(self.header) - len(row)))
                self.lines.append(line)
        if not self.rows:
            raise ValueError(f"{path} has a header but no values")

    def index(self, column, key):
        """Returns the index of a column, given its name or its index from 0; `key` is the user's key in messages."""
        if isinstance(column, int) and str(column) not in self.header and 0 <= column < len(self.header):
            return column
        return _assets.column_index(str(column), self.header, self.path, key)

    def texts(self, index):
        """Returns the strings of a column, [N]."""
        return [row[index] for row in self.rows]

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
        column = "" if index is None else f", column {self.header[index]!r}"
        return f"{self.path}, line {self.lines[row]}{column}"

    def numbers(self, index, missing: Missing, count=None):
        """Reads the numbers of a column, [count], with NaN for a missing value.

        Args:
          index: the index of the column.
          missing: "error" raises at a gap; the caller applies the other rules.
          count: the number of rows to read; None for all.

        Raises:
          ValueError: if a field is not a number, a gap is refused, or the column has no values. The message names the
            line and the column.
        """
        texts = self.texts(index)[:count]
        values = np.array([self._number(row, index, text, missing) for row, text in enumerate(texts)])
        if np.isnan(values).all():
            raise ValueError(f"{self.path}, column {self.header[index]!r}: all values are missing")
        return values

    def _number(self, row, index, text, missing):
        if text.lower() in GAPS and (missing != "error" or text == ""):
            if missing == "error":
                raise ValueError(
                    f"{self.where(row, index)}: the value is missing; fill the gap, leave the row out, or "
                    "give data.missing=interpolate or forward_fill"
                )
            return math.nan
        try:
            value = math.nan if "_" in text else float(text)  # Python reads 1_0 as 10
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ValueError(f"{self.where(row, index)}: {text!r} is not a finite number")
        return value
