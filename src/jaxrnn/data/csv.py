"""Your own time series from a CSV file: one or several columns, one row per step."""

from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _times
from jaxrnn.data._columns import GAPS, Table
from jaxrnn.data._forecast import Target
from jaxrnn.data._gaps import Missing
from jaxrnn.data._measured import Anchor, Calendar, Measured, Options, measured
from jaxrnn.distribution import Distribution
from jaxrnn.types import Dataset, Rate, Size

Column = str | int
Columns = str | int | tuple[str | int, ...]


@checked
def dataset(path: str | Path, column: Columns, past_covariates: Columns = (),
            future_covariates: Columns = (), time: Column | None = None, time_format: str | None = None,
            missing: Missing = "error", window: Size = 32, validation: Rate = 0.15, test: Rate = 0.15,
            target: Target = "all", horizon: Size = 1, lags: Size = 1, season: Size | None = None,
            log: bool = False, calendar: Calendar = (), anchor: Anchor | None = None,
            distribution: Distribution | None = None, frequency: str | None = None) -> Dataset:  # fmt: skip
    """Columns of a CSV file, split in time and scaled by the mean and deviation of the training part.

    Rows at the end may have values in the future covariates only. They describe future steps, which a forecast covers.

    Args:
      path: a CSV file whose first row names the columns.
      column: the columns to forecast: a name, an index from 0, or a list of these.
      past_covariates: further input columns, known up to the present.
      future_covariates: input columns that are known in advance.
      time: the column of times, in rising order; None for row numbers.
      time_format: the format of the times, such as "%d.%m.%Y". "unix_s", "unix_ms", "unix_us" and "unix_ns" count the
        time since 1970, "excel" counts spreadsheet days, "number" is for plain numbers. None accepts ISO 8601 dates,
        and digits with one obvious meaning.
      missing: "error" raises at a gap, "forward_fill" repeats the value before it, "interpolate" interpolates
        between its neighbours. In validation and test, a gap is filled from the past only. "forward_fill" and
        "interpolate" also turn absent rows into steps. A filled value is an input but never a target.
      window: steps per window.
      validation, test: the shares of the series, at its end, for validation and test.
      target: "all" predicts the next values at every step, "last" only those after the window.
      horizon: h, the number of future values that each output predicts.
      lags: the number of values read at a step, the newest and those before it.
      season: steps per season, for the seasonal baseline and the scale of the errors; None for no season.
      log: whether the network learns the logarithm of the values.
      calendar: inputs from the times: position in the "year", the "week" or the "day".
      anchor: the forecast that the network's outputs are added to: the "last" value, a "linear" function of the step's
        inputs, fitted beforehand, or None.
      distribution: the distribution of each future value (see `jaxrnn.distributions`); None for a point forecast.
      frequency: the frequency of the times, a pandas offset alias such as "B", "ME" or "15min"; None to infer it.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if a column does not exist, or a value is missing or not a finite number. The message names the line
        and the column.
    """
    source = _read(
        path,
        {"column": column, "past_covariates": past_covariates, "future_covariates": future_covariates},
        time,
        time_format,
        missing,
    )
    return measured(source, Options(window, validation, test, target, horizon, lags, season, log, calendar, anchor,
                                    distribution, missing, frequency))  # fmt: skip


def _read(path, columns, time, time_format, missing):
    """Reads the `Measured` series of a file; arguments as in `dataset`, `columns` as {key: column or columns}."""
    table = Table(path)
    indices = {key: [table.index(name, f"data.{key}") for name in _listed(names)] for key, names in columns.items()}
    _refuse_repeated(indices, columns)
    values, count = _values(table, indices["column"], bool(indices["future_covariates"]), missing)
    if time is None:
        times, label, notes = np.arange(count), "row", ()
    else:
        time_index = table.index(time, "data.time")
        label = table.header[time_index]
        where = partial(table.where, index=time_index)
        series_column = partial(table.series_column, time_index, tuple(chain(*indices.values())))
        times, note = _times.read(table.texts(time_index), time_format, where, series_column)
        times = times if indices["future_covariates"] else times[:count]
        notes = () if note is None else (f"data.time={label}: {note}",)
    past_covariates = [table.numbers(index, missing, count) for index in indices["past_covariates"]]
    future_covariates = [table.numbers(index, missing) for index in indices["future_covariates"]]
    return Measured(
        values,
        tuple(table.header[index] for index in indices["column"]),
        times,
        label,
        np.stack(past_covariates, axis=1) if past_covariates else None,
        np.stack(future_covariates, axis=1) if future_covariates else None,
        notes,
    )


def _refuse_repeated(indices, columns):
    """Raises ValueError for a column that is named twice; a forecast column as a covariate would give it away."""
    first_keys = {}  # column index -> the first key that names it
    for key, names in columns.items():
        for index, name in zip(indices[key], _listed(names), strict=True):
            first_key, setting = first_keys.setdefault(index, key), f"data.{key}={name}:"
            if index in indices["column"] and key != "column":
                reason = (
                    ", so it is not known in advance"
                    if key == "future_covariates"
                    else ", which the network reads anyway"
                )
                raise ValueError(f"{setting} this is the column to forecast (data.column){reason}; leave it out")
            if first_key != key:
                raise ValueError(f"{setting} data.{first_key} names this column too; leave one out")
            if indices[key].count(index) > 1:
                raise ValueError(f"{setting} this column is named twice; leave one out")


def _listed(columns):
    return [columns] if isinstance(columns, str | int) else list(columns)


def _values(table, indices, has_future_covariates, missing):
    """Returns ([N, V], N): the columns to forecast, without the rows at the end that have only future covariates."""
    count = len(table.rows)
    if has_future_covariates:
        while count and all(table.rows[count - 1][index].lower() in GAPS for index in indices):
            count -= 1
    return np.stack([table.numbers(index, missing, count) for index in indices], axis=1), count
