"""Columns of numbers of a CSV file: which there are, and what is missing."""

import math

import numpy as np

from jaxrnn.data import _assets
from jaxrnn.data._gaps import Missing

GAPS = {"", "na", "nan", "null", "none"}  # in small letters


class Table:
    """A CSV file whose first row names the columns.

    Fields:
      path: of the file.
      header: the columns' names.
      rows: the fields of each row, as texts; empty rows are left out.
      lines: the line of each row.
    """

    def __init__(self, path):
        rows = _assets.read_rows(path)
        self.path, (_, self.header) = path, next(rows)
        self.rows, self.lines = [], []
        for line, row in rows:
            if any(row):
                if len(row) > len(self.header):
                    raise ValueError(f"{path}, line {line}: {len(row)} fields, the header names {len(self.header)}")
                self.rows.append(row + [""] * (len(self.header) - len(row)))
                self.lines.append(line)
        if not self.rows:
            raise ValueError(f"{path} has a header and no values")

    def place(self, column, key):
        """The place of a column, given by its name or its place from 0; `key` is what the user gave it under."""
        if isinstance(column, int) and str(column) not in self.header and 0 <= column < len(self.header):
            return column
        return _assets.place_of(str(column), self.header, self.path, key)

    def texts(self, place):
        """[N] texts of a column."""
        return [row[place] for row in self.rows]

    def where(self, row, place=None):
        """A row's place in words."""
        column = "" if place is None else f", column {self.header[place]!r}"
        return f"{self.path}, line {self.lines[row]}{column}"

    def numbers(self, place, missing: Missing, count=None):
        """[count] numbers of a column, NaN where a value is missing.

        Args:
          place: of the column.
          missing: "refuse" refuses a gap; other rules are followed later.
          count: rows that are read; None for all.

        Raises:
          ValueError: for what is no number, for a gap that is refused, and for a column without a value; it names line
            and column.
        """
        texts = self.texts(place)[:count]
        values = np.array([self._number(row, place, text, missing) for row, text in enumerate(texts)])
        if np.isnan(values).all():
            raise ValueError(f"{self.path}, column {self.header[place]!r}: all values are missing")
        return values

    def _number(self, row, place, text, missing):
        if text.lower() in GAPS and (missing != "refuse" or text == ""):
            if missing == "refuse":
                raise ValueError(f"{self.where(row, place)}: the value is missing; fill the gap, leave the row out, or "
                                 "give data.missing=line or previous")  # fmt: skip
            return math.nan
        try:
            value = math.nan if "_" in text else float(text)  # Python reads 1_0 as 10
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ValueError(f"{self.where(row, place)}: {text!r} is not a finite number")
        return value
