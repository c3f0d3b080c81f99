"""Reads the columns of a series from a table: numbers, categories, and sentences about how they were read."""

import numpy as np

from jaxrnn import hints
from jaxrnn.data import _numbers

MAX_CATEGORIES = 50


class Columns:
    """Columns of a `Table` that a series consists of.

    Fields:
      notes: sentences about how the columns were read.
    """

    def __init__(self, table, values, covariates, missing):
        """Finds the categories and the number format.

        Args:
          table: the `Table`.
          values, covariates: the indices of the columns to forecast, and of the other ones.
          missing: the rule for gaps.
        """
        self._table, self._missing, self.notes = table, missing, []
        categories = {index: table.categories(index) for index in covariates}
        self._categories = {index: names for index, names in categories.items() if 0 < len(names) <= MAX_CATEGORIES}
        numbers = [index for index in (*values, *covariates) if index not in self._categories]
        self._form = table.number_format(numbers)
        for key in ("decimal", "thousands"):
            if getattr(table.reading, key) is None and getattr(self._form, key) != getattr(_numbers.PLAIN, key):
                self.notes.append(f"numbers are read with {hints.argument(f'data.{key}', getattr(self._form, key))}")

    def read(self, indices, count=None):
        """Returns the columns as an array [count, inputs], or None for no columns; arguments as in `Table.numbers`."""
        columns = [column for index in indices for column in self._read(index, count)]
        return np.stack(columns, axis=1) if columns else None

    def _read(self, index, count):
        label = self._table.header[index]
        if (names := self._categories.get(index)) is not None:
            texts = self._table.texts(index)[:count]
            numbers = np.array([names.index(text) if text in names else np.nan for text in texts])
            if self._missing == "error" and np.isnan(numbers).any():
                self._table.refuse_gap(int(np.argmax(np.isnan(numbers))), index)
            shown = ", ".join(names[:5]) + ", ..." * (len(names) > 5)
            self.notes.append(f"{label}: read as {len(names)} categories ({shown})")
            return [np.where(np.isnan(numbers), np.nan, numbers == number) for number in range(len(names))]
        values = self._table.numbers(index, self._missing, count, self._form)
        if (sentinel := _numbers.sentinel(values)) is not None:
            self.notes.append(
                f"{label}: {sentinel[0]:g} occurs {sentinel[1]} times, far from all other values; if it stands for a "
                f"missing value, give data.missing_values={sentinel[0]:g} data.missing=interpolate"
            )
        return [values]
