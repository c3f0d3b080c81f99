"""Your own time series as arrays, lists or DataFrames, for use from Python."""

from typing import Any

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _times
from jaxrnn.data._forecast import Target
from jaxrnn.data._gaps import Missing
from jaxrnn.data._measured import Anchor, Calendar, Measured, Options, measured
from jaxrnn.distribution import Distribution
from jaxrnn.types import Dataset, Rate, Size


@checked
def dataset(
    values: Any,
    times: Any = None,
    past_covariates: Any = None,
    future_covariates: Any = None,
    labels: tuple[str, ...] | None = None,
    window: Size = 32,
    validation: Rate = 0.15,
    test: Rate = 0.15,
    target: Target = "all",
    horizon: Size = 1,
    lags: Size = 1,
    season: Size | None = None,
    log: bool = False,
    calendar: Calendar = (),
    anchor: Anchor | None = None,
    distribution: Distribution | None = None,
    missing: Missing = "error",
    frequency: str | None = None,
) -> Dataset:
    """Arrays, split in time and scaled by the mean and deviation of the training part.

        dataset = jaxrnn.data.series.dataset(values, horizon=12, distribution=gaussian.distribution())
        dataset = jaxrnn.data.series.dataset(frame[["level"]], past_covariates=frame[["rain"]])

    A DataFrame names its columns, and a DatetimeIndex holds the times. `jaxrnn.data.csv.dataset(frame, column=...)`
    reads the columns of a DataFrame by name, also categories and several series.

    Args:
      values: [N] or [N, V], the values to forecast; NaN for a missing value.
      times: [N], in rising order: numbers, datetime64, or dates as texts; None for those of a DataFrame, or 0, 1, 2 ...
      past_covariates: [N, P], further inputs, known up to the present; None for no inputs.
      future_covariates: [N + F, Q], inputs that are known in advance; None for no inputs.
      labels: the names of the V values; None for the columns of a DataFrame.
      season: steps per season, for the seasonal baseline and the scale of the errors; None for no season.
      window, validation, test, target, horizon, lags, log, calendar, anchor, distribution: as in
        `jaxrnn.data.forecast`.
      missing, frequency: as in `jaxrnn.data.csv`.

    Raises:
      ValueError: if lengths differ, a value is missing or not finite, times do not rise, or the series is too short.
    """
    arrays = {"values": values, "past_covariates": past_covariates, "future_covariates": future_covariates}
    options = Options(window, validation, test, target, horizon, lags, season, log, calendar, anchor, distribution,
                      missing, frequency)  # fmt: skip
    return measured(_read(arrays, times, labels, missing), options)


def _read(arrays, times, labels, missing):
    """Returns the `Measured` of {name: array}; arguments and errors as in `dataset`."""
    columns = {name: _columns(name, array, missing) for name, array in arrays.items() if array is not None}
    for name in ("past_covariates", "future_covariates"):
        _check_index(name, arrays["values"], arrays[name])
    names, values = {name: _names(array) for name, array in arrays.items()}, columns["values"]
    times, time_label, zone = _read_times(arrays["values"], times)
    _check_lengths(columns, times)
    _check_times(times)
    labels = labels or names["values"] or [f"value {n + 1}" for n in range(values.shape[1])]
    return Measured(
        values,
        tuple(labels),
        times,
        time_label,
        columns.get("past_covariates"),
        columns.get("future_covariates"),
        tuple((name, None) for name in names["past_covariates"]),
        tuple((name, None) for name in names["future_covariates"]),
        zone=zone,
    )


def _names(array):
    """Returns the names of the columns of a DataFrame or a pandas Series; an empty list for others."""
    names = getattr(array, "columns", [getattr(array, "name", None)]) if hasattr(array, "iloc") else []
    return [str(name) for name in names if name is not None]


def _read_times(values, times):
    """Returns (times [N], label of the time axis, zone); those of the values' index if `times` is None."""
    index: Any = values.index if hasattr(values, "iloc") else None
    is_dated = hasattr(index, "tz") or hasattr(index, "asfreq")  # a DatetimeIndex or a PeriodIndex
    if times is None and not is_dated:
        return np.arange(len(values)), "step", ""
    label = getattr(index if times is None else times, "name", None)
    label = ("time" if is_dated else "step") if label is None else str(label)
    array = np.asarray(times)
    if array.dtype.kind not in "OU":
        return array, label, ""
    texts = list(map(str, index if times is None else times))
    array, _ = _times.read(texts, where=lambda row: f"times: row {row + 1}")
    return array, label, _times.zone(texts[0], array)


def _check_index(name, values, covariates):
    """Raises ValueError if two tables of pandas have other indices, because rows are taken in order."""
    if hasattr(values, "index") and hasattr(covariates, "index") and not isinstance(values, list):
        count = min(len(values), len(covariates))
        differs = np.asarray(values.index[:count] != covariates.index[:count])
        if differs.any():
            row = int(np.argmax(differs))
            raise ValueError(
                f"{name}: the index of row {row + 1} is {covariates.index[row]}, but that of values is "
                f"{values.index[row]}; rows are taken in order, so align them first"
            )


def _check_lengths(columns, times):
    count = len(columns["values"])
    for name, rows in (
        ("times", len(times)),
        ("past_covariates", len(columns.get("past_covariates", columns["values"]))),
    ):
        if rows != count:
            raise ValueError(f"{name} has {rows} rows but values has {count}; both must have the same number")
    known_rows = len(columns.get("future_covariates", columns["values"]))
    if known_rows < count:
        raise ValueError(
            f"future_covariates has {known_rows} rows but values has {count}; it must have at least as many"
        )


def _check_times(times):
    if np.isnat(times).any() if np.issubdtype(times.dtype, np.datetime64) else not np.isfinite(times).all():
        raise ValueError("times contains NaT or NaN; every row needs a time")
    if not (times[1:] > times[:-1]).all():
        row = int(np.argmin(times[1:] > times[:-1])) + 1
        raise ValueError(
            f"times: row {row + 1}, {times[row]}, is not later than the row before it; sort the rows by "
            "time, one row per time"
        )


def _columns(name, array, missing):
    try:
        array = np.asarray(array, float)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name}: expected numbers [N] or [N, columns] ({error}); jaxrnn.data.csv.dataset reads files, and the "
            "columns of a DataFrame by name"
        ) from error
    array = array[:, None] if array.ndim == 1 else array
    if missing == "error" and np.isnan(array).any():
        raise ValueError(
            f"{name}: row {np.argwhere(np.isnan(array))[0][0] + 1} is NaN, but values must be finite; "
            "fill the gap, or give missing='interpolate' or 'forward_fill'"
        )
    if array.ndim != 2 or np.isinf(array).any():
        raise ValueError(f"{name} must be finite numbers of shape [N] or [N, columns], got shape {array.shape}")
    return array
