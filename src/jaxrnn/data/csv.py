"""One column of a CSV file of your own: a series in time, one row a step."""

import csv
import math
from pathlib import Path

import numpy as np

from jaxrnn.data._forecast import Target, forecast_in_time
from jaxrnn.types import Dataset, Rate, Size


def dataset(
    path: str,
    column: str | int,
    window: Size = 32,
    validation: Rate = 0.15,
    test: Rate = 0.15,
    target: Target = "every",
) -> Dataset:
    """The column's values, split in time and scaled by the mean and deviation of the training part alone.

    Args:
      path: a CSV file whose first row names the columns.
      column: a column's name, or its place counted from 0.
      window: steps a window.
      validation, test: the shares of the series, at its end, that validate and test.
      target: "every" asks for the next value at every step, "last" for the value after the window alone.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the column does not exist, or if a value is missing or no finite number; it names line and column.
    """
    values, name = read_column(path, column)
    return forecast_in_time(values, window, validation, test, target, np.arange(len(values)), "row", name)


def read_column(path, column):
    """(values [N], name) of a column of a CSV file. Arguments and errors as in `dataset`."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"data.path={path}: no such file")
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        header = [field.strip() for field in next(reader, [])]
        index = _find(header, column, path)
        values = [
            _number(row, index, f"{path}, line {reader.line_num}, column {header[index]!r}") for row in reader if row
        ]
    if not values:
        raise ValueError(f"{path} has a header and no values")
    return np.array(values), header[index]


def _find(header, column, path):
    if str(column) in header:
        return header.index(str(column))
    if isinstance(column, int) and 0 <= column < len(header):
        return column
    raise ValueError(f"data.column={column}: {path} has no such column; it has {', '.join(header) or 'none'}")


def _number(row, index, where):
    text = row[index].strip() if index < len(row) else ""
    if not text:
        raise ValueError(f"{where}: the value is missing; fill the gap or leave the row out")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{where}: {text!r} is not a finite number")
    return value
