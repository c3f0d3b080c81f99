"""Your own time series from a CSV file, another table of text, or a DataFrame: columns, and one row per step."""

from jaxrnn.arguments import checked
from jaxrnn.data import _inputs
from jaxrnn.data._columns import Reading, Table
from jaxrnn.data._forecast import Target
from jaxrnn.data._gaps import Missing
from jaxrnn.data._measured import Anchor, Calendar, Options, panel
from jaxrnn.distribution import Distribution
from jaxrnn.types import Dataset, NonNegativeInt, Rate, Size, TableSource

Column = str | int
Columns = str | int | tuple[str | int, ...]


@checked
def dataset(path: TableSource, column: Columns, past_covariates: Columns = (),
            future_covariates: Columns = (), time: Column | None = None, time_format: str | None = None,
            missing: Missing = "error", window: Size = 32, validation: Rate = 0.15, test: Rate = 0.15,
            target: Target = "all", horizon: Size = 1, lags: Size = 1, season: Size | None = None,
            log: bool = False, calendar: Calendar = (), anchor: Anchor | None = None,
            distribution: Distribution | None = None, frequency: str | None = None,
            delimiter: str | None = None, decimal: str | None = None, thousands: str | None = None,
            missing_values: str | float | tuple[str | float, ...] = (), skip_rows: NonNegativeInt | None = None,
            header: bool | None = None, encoding: str | None = None, series_by: Columns = ()) -> Dataset:  # fmt: skip
    """Columns of a table, split in time and scaled by the mean and deviation of the training part.

    How the file is written is found out if only one answer is plain, and stands in a note. Rows at the end may have
    values in the future covariates only. They describe future steps, which a forecast covers.

    Args:
      path: a text file with one row per line, such as CSV or TSV; or a DataFrame (an index with a name is a column), a
        dict of columns, or a list of rows.
      column: the columns to forecast: a name, an index from 0, or a list of these.
      past_covariates: further input columns, known up to the present. Each category of a column without numbers
        becomes an input that is 0 or 1.
      future_covariates: input columns that are known in advance, of numbers or categories.
      time: the column of times, in rising order; None for row numbers.
      time_format: the format of the times, such as "%d.%m.%Y". "unix_s", "unix_ms", "unix_us" and "unix_ns" count the
        time since 1970, "excel" counts spreadsheet days, "number" is for plain numbers. None accepts ISO 8601 dates,
        and other dates and digits with one obvious meaning.
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
      delimiter: the text between two fields, such as "," or "tab".
      decimal, thousands: the decimal mark, and the separator of thousands.
      missing_values: further values that stand for a missing one, such as -9999.
      skip_rows: number of lines above the table.
      header: whether the first row names the columns. Columns without names are "column 0", "column 1" ...
      series_by: the columns that tell several series of one table apart, such as a shop. One network learns all of
        them; each is split in time and scaled by itself, but counts share one scale. Constant ones are left out.
      encoding: the encoding of the file, by Python's name, such as "cp1252"; None for UTF-8, or UTF-16 with a mark.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if a column does not exist, or a value is missing or not a finite number; the message names both.
    """
    columns = {"column": column, "past_covariates": past_covariates, "future_covariates": future_covariates}
    missing_texts = tuple(str(value) for value in _listed(missing_values))
    reading = Reading(delimiter, decimal, thousands, missing_texts, skip_rows, header, encoding)
    sources, notes = _read(path, columns, time, time_format, missing, reading, series_by)
    return panel(sources, Options(window, validation, test, target, horizon, lags, season, log, calendar, anchor,
                                  distribution, missing, frequency), notes)  # fmt: skip


def _read(path, columns, time, time_format, missing, reading=Reading(), series_by=()):
    """Reads ({name: `Measured`}, notes) from a file; arguments as in `dataset`, `columns` as {key: columns}."""
    named = [name for names in (*columns.values(), series_by, () if time is None else time) for name in _listed(names)]
    table = Table(path, named, reading)
    indices = {key: [table.index(name, f"data.{key}") for name in _listed(names)] for key, names in columns.items()}
    _refuse_repeated(indices, columns)
    by = [table.index(name, "data.series_by") for name in _listed(series_by)]
    for key, used in indices.items():
        if shared := set(by) & set(used):
            name = table.header[shared.pop()]
            raise ValueError(f"data.series_by={name}: data.{key} names this column too; leave one out")
    time_index = None if time is None else table.index(time, "data.time")
    return _inputs.read(table, indices, by, time_index, time_format, missing)


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
    return list(columns) if isinstance(columns, tuple | list) else [columns]
