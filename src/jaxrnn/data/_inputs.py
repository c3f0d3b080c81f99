"""Reads the series in a table: their times, numbers and categories, and sentences about how they were read."""

from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from jaxrnn import hints
from jaxrnn.data import _numbers, _times
from jaxrnn.data._measured import Measured

MAX_CATEGORIES = 50


def read(table, indices, by, time_index, time_format, missing):
    """Returns ({name: `Measured`}, notes): the series of a table, with the name "" for a single one.

    Args:
      table: the `Table`.
      indices: {"column", "past_covariates", "future_covariates": indices of columns}.
      by: the indices of the columns that tell several series apart; an empty list for one series.
      time_index: the index of the column of times, or None.
      time_format, missing: as in `jaxrnn.data.csv`.

    Raises:
      ValueError: as in `jaxrnn.data.csv`.
    """
    columns = Columns(table, indices["column"], (*indices["past_covariates"], *indices["future_covariates"]), missing)
    groups, note = table.groups(by) if by else {"": range(len(table))}, None
    if time_index is not None:
        texts = [text.strip() for text in table.texts(time_index)]
        where, all_rows = partial(table.where, index=time_index), list(groups.values())
        time_format, note = _times.resolve(texts, time_format, where, all_rows)
    sources, notes = {}, [*table.notes]
    for name, rows in groups.items():
        known = rows[: _known_count(table, indices["column"], rows)] if indices["future_covariates"] else rows
        times, label, time_note = np.arange(len(known)), "row", None
        if time_index is not None:
            label = table.header[time_index]
            times, time_note = _read_times(table, time_index, rows, time_format, (*by, *chain(*indices.values())))
            times = times if indices["future_covariates"] else times[: len(known)]
        sources[name] = Measured(
            columns.read(indices["column"], known),
            tuple(table.header[index] for index in indices["column"]),
            times,
            label,
            columns.read(indices["past_covariates"], known),
            columns.read(indices["future_covariates"], rows),
            past_columns=columns.names(indices["past_covariates"]),
            future_columns=columns.names(indices["future_covariates"]),
            zone="" if time_index is None else _times.zone(texts[rows[0]], times),
        )
        note = note or time_note
    return sources, (*notes, *columns.notes, *([f"data.time={label}: {note}"] if note else []))


def _read_times(table, index, rows, time_format, used):
    """Returns (times, note) of some rows; `used` are the columns that are read."""
    texts = table.texts(index)
    return _times.read(
        [texts[row] for row in rows],
        time_format,
        lambda row: table.where(rows[row], index),
        lambda: table.series_column(index, tuple(used)),
    )


def _known_count(table, indices, rows):
    """Returns the number of rows without those at the end that have no value in any of the columns."""
    columns, count = [table.texts(index) for index in indices], len(rows)
    while count and all(table.is_gap(texts[rows[count - 1]]) for texts in columns):
        count -= 1
    return count


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

    def read(self, indices, rows) -> Any:
        """Returns the columns of some rows as an array [rows, inputs], or None for no columns."""
        columns = [column for index in indices for column in self._read(index, rows)]
        return np.stack(columns, axis=1) if columns else None

    def names(self, indices):
        """Returns (label, category) of each input of the columns; the category is None for a column of numbers."""
        return tuple(
            (self._table.header[index], category)
            for index in indices
            for category in self._categories.get(index, (None,))
        )

    def _read(self, index, rows):
        label, names = self._table.header[index], self._categories.get(index)
        if names is None:
            values = self._table.numbers(index, rows, self._missing, self._form)
            if (sentinel := _numbers.sentinel(values)) is not None:
                self._note(
                    f"{label}: {sentinel:g} is far from all other values; if it stands for a missing value, give "
                    f"data.missing_values={sentinel:g} data.missing=interpolate"
                )
            return [values]
        texts, number_of = self._table.texts(index), {name: number for number, name in enumerate(names)}
        numbers = np.array([number_of.get(texts[row], np.nan) for row in rows])
        if self._missing == "error" and np.isnan(numbers).any():
            self._table.refuse_gap(rows[int(np.argmax(np.isnan(numbers)))], index)
        shown = ", ".join(names[:5]) + ", ..." * (len(names) > 5)
        self._note(f"{label}: read as {len(names)} categories ({shown})")
        return [np.where(np.isnan(numbers), np.nan, numbers == number) for number in range(len(names))]

    def _note(self, sentence):
        if sentence not in self.notes:
            self.notes.append(sentence)
