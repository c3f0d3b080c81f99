"""Columns of a CSV file of your own: one or several series in time, one row a step."""

from pathlib import Path

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _times
from jaxrnn.data._columns import GAPS, Table
from jaxrnn.data._forecast import Target
from jaxrnn.data._gaps import Missing
from jaxrnn.data._measured import Anchor, Calendar, Measured, Options, measured
from jaxrnn.distributions._contract import Distribution
from jaxrnn.types import Dataset, Rate, Size

Column = str | int
Columns = str | int | tuple[str | int, ...]


@checked
def dataset(path: str | Path, column: Columns, past: Columns = (), known: Columns = (), time: Column | None = None,
            time_format: str | None = None, missing: Missing = "refuse", window: Size = 32, validation: Rate = 0.15,
            test: Rate = 0.15, target: Target = "every", horizon: Size = 1, lags: Size = 1, season: Size | None = None,
            log: bool = False, calendar: Calendar = (), anchor: Anchor | None = None,
            distribution: Distribution | None = None, frequency: str | None = None) -> Dataset:  # fmt: skip
    """The columns' values, split in time and scaled by the mean and deviation of the training part alone.

    Rows at the end that have no value in `column`, but what is known in advance, say what is to come: a forecast goes
    on over them.

    Args:
      path: a CSV file whose first row names the columns.
      column: what is forecast: a column's name, its place counted from 0, or a list of them.
      past: columns that are read too, known up to now alone.
      known: columns that are known in advance.
      time: the column of times, which rise; None for the rows' numbers.
      time_format: of the times, such as "%d.%m.%Y"; "unix_s", "unix_ms", "unix_us", "unix_ns" for the time since
        1970, "excel" for days of a spreadsheet, "number" for plain numbers; None for ISO 8601, or digits of one plain
        meaning.
      missing: "refuse" refuses a gap; "previous" fills it with the value before it, "line" on the line through time
        between its neighbours, in validation and test from the past only. Both turn absent rows into steps. A filled
        value is read, but is never a target.
      window: steps a window.
      validation, test: the shares of the series, at its end, that validate and test.
      target: "every" asks for the next values at every step, "last" for those after the window alone.
      horizon: h, how many values to come an output speaks of.
      lags: values that are read at a step, the newest and those before it.
      season: steps of a season, which a baseline looks back and errors are scaled by; None for none.
      log: whether the logarithm of the values is learned.
      calendar: what is known in advance of the times: place in the "year", the "week", the "day".
      anchor: what the network's outputs are added to: the "last" value, a "linear" function of what is read at a step,
        fitted beforehand, or None for nothing.
      distribution: of each value to come (see `jaxrnn.distributions`); None for a point.
      frequency: of the times, a pandas offset alias such as "B", "ME" or "15min"; None to infer it.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if a column does not exist, or a value is missing or no finite number; it names line and column.
    """
    found = _read(path, {"column": column, "past": past, "known": known}, time, time_format, missing)
    return measured(found, Options(window, validation, test, target, horizon, lags, season, log, calendar, anchor,
                                   distribution, missing, frequency))  # fmt: skip


def _read(path, columns, time, time_format, missing):
    """The `Measured` of a file; arguments as of `dataset`, `columns` by their keys."""
    table = Table(path)
    places = {key: [table.index(each, f"data.{key}") for each in _listed(given)] for key, given in columns.items()}
    _refuse_repeated(places, columns)
    values, count = _values(table, places["column"], bool(places["known"]), missing)
    if time is None:
        times, label, notes = np.arange(count), "row", ()
    else:
        place = table.index(time, "data.time")
        label = table.header[place]
        times, note = _times.read(table.texts(place), time_format, lambda row: table.where(row, place))
        times = times if places["known"] else times[:count]
        notes = () if note is None else (f"data.time={label}: {note}",)
    past = [table.numbers(place, missing, count) for place in places["past"]]
    known = [table.numbers(place, missing) for place in places["known"]]
    return Measured(
        values,
        tuple(table.header[place] for place in places["column"]),
        times,
        label,
        np.stack(past, axis=1) if past else None,
        np.stack(known, axis=1) if known else None,
        notes,
    )


def _refuse_repeated(places, columns):
    """Refuses a column that is named twice: among what is known it would give away what is forecast."""
    keys = {}  # of the places that came before
    for key, given in columns.items():
        for place, name in zip(places[key], _listed(given), strict=True):
            before, there = keys.setdefault(place, key), f"data.{key}={name}:"
            if place in places["column"] and key != "column":
                is_known = ", so it is not known in advance" if key == "known" else ", and is read anyway"
                raise ValueError(f"{there} this column is what is forecast (data.column){is_known}; leave it out")
            if before != key:
                raise ValueError(f"{there} data.{before} names this column too; leave one out")
            if places[key].count(place) > 1:
                raise ValueError(f"{there} this column is named twice; leave one out")


def _listed(columns):
    return [columns] if isinstance(columns, str | int) else list(columns)


def _values(table, places, is_continued, missing):
    """([N, V], N): the columns to forecast, up to the last row that holds a value of one of them where more follow."""
    count = len(table.rows)
    if is_continued:
        while count and all(table.rows[count - 1][place].lower() in GAPS for place in places):
            count -= 1
    return np.stack([table.numbers(place, missing, count) for place in places], axis=1), count
