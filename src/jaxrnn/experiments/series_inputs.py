"""Reads new values of a series, with their covariates, in the units of a run's data set."""

import numpy as np

from jaxrnn import timeline
from jaxrnn.errors import ConfigError

KEYS = ("past_covariates", "future_covariates", "times")


def read(series, x, past_covariates=None, future_covariates=None, times=None):
    """Returns the `Series` of an array [T], [T, V] or [B, T, V], of a list of arrays, or of a DataFrame.

    They are scaled like the run's series. The covariates have a first dimension B, or are a list, if x does.

    Args:
      series: the `Series` of the run.
      x: values in the source's units. A DataFrame also holds the covariates, by the names of the columns, and the
        times; its last rows may hold future covariates only.
      past_covariates: [T, P].
      future_covariates: [T + F, Q], with F at least the horizon.
      times: [T], for a network that reads the calendar.

    Raises:
      ConfigError: if they do not fit the run's series.
    """
    _refuse_panel(series)
    arguments = dict(zip(KEYS, (past_covariates, future_covariates, times), strict=True))
    if hasattr(x, "columns"):
        x, arguments = _of_frame(series, x, arguments)
    rows = sequences(x, len(series.value_labels))
    is_several = is_ragged(x) or np.ndim(x) == 3
    columns = {name: _per_row(name, value, len(rows), is_several) for name, value in arguments.items()}
    return [_scaled(series, row, *(columns[name][number] for name in KEYS)) for number, row in enumerate(rows)]


def sequences(x, width):
    """Lists the sequences [T_n, width] of an array [T], [T, width] or [B, T, width], or of a list of arrays.

    Raises:
      ConfigError: if a sequence has another width, or a value that is not a finite number.
    """
    array = None if is_ragged(x) else _numbers("x", x)
    if array is not None:
        array = array[:, None] if array.ndim == 1 else array  # a series of one variable
    arrays = [_numbers("x", sequence) for sequence in x] if array is None else [array]
    arrays = list(array) if array is not None and array.ndim == 3 else arrays
    for array in arrays:
        if array.ndim != 2 or array.shape[1] != width or not len(array) or not np.isfinite(array).all():
            raise ConfigError(f"x: expected finite numbers [T, {width}] or [B, T, {width}], got shape {array.shape}")
    return arrays


def is_ragged(x):
    """Returns whether x is a list of sequences of different lengths."""
    return isinstance(x, list | tuple) and len({np.shape(sequence) for sequence in x}) > 1


def _numbers(name, values):
    try:
        return np.asarray(values, float)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{name}: expected numbers; {error}") from error


def _refuse_panel(series):
    if series.panel:
        names = ", ".join(each.name for each in series.panel)
        raise ConfigError(
            f"x: this network learned several series, each with a scale of its own ({names}); call "
            f"run.predict(x, series={series.name!r}) or name another"
        )


def _of_frame(series, frame, arguments):
    """Returns the values [T, V] of a DataFrame, and {name: columns} with those that the arguments do not give."""
    labels = list(series.value_labels)
    if missing := [label for label in labels if label not in frame.columns]:
        raise ConfigError(f"x: no column {missing[0]!r}; the columns are {', '.join(map(str, frame.columns))}")
    count = len(frame)
    if series.future_inputs is not None and arguments["future_covariates"] is None:
        known = np.flatnonzero(frame[labels].notna().any(axis=1))
        count = int(known[-1]) + 1 if len(known) else 0
        arguments = arguments | {"future_covariates": frame}
    past, times = arguments["past_covariates"], arguments["times"]
    if past is None and series.past_inputs is not None:
        past = frame[:count]
    if times is None and series.calendar:
        times = (frame[series.time_label] if series.time_label in frame.columns else frame.index)[:count]
    return frame[labels][:count].to_numpy(), arguments | {"past_covariates": past, "times": times}


def _per_row(name, value, count, is_several):
    """Returns an argument as a list with one entry per sequence."""
    if value is None or not is_several:
        return [value] * count
    if len(value) != count:
        raise ConfigError(f"{name}: {len(value)} sequences, but x has {count}")
    return list(value)


def _scaled(series, values, past_covariates, future_covariates, times):
    """Returns the `Series` of one sequence."""
    if series.log and (values <= 0).any():
        raise ConfigError("x: this network reads logarithms, so every value must be above 0")
    count = len(values)
    scaled = ((np.log(values) if series.log else values) - series.mean) / series.std
    past = _inputs("past_covariates", series.past_inputs, past_covariates, count)
    parts = [_inputs("future_covariates", series.future_inputs, future_covariates, count + series.horizon)]
    parts += [_calendar(series, times, count)]
    parts = [part for part in parts if part is not None]
    shortest = min(map(len, parts), default=0)
    future = np.concatenate([part[:shortest] for part in parts], axis=1) if parts else None
    return series._replace(values=scaled, past_covariates=past, future_covariates=future, missing=None, informed=None)


def _inputs(name, covariates, values, count):
    """Returns scaled covariates [count, P], or None if the network reads none."""
    if covariates is None:
        if values is not None:
            raise ConfigError(f"{name}: this network reads none; leave it out")
        return None
    names = ", ".join(covariates.names)
    if values is None:
        raise ConfigError(f"{name}: the network reads {names}; pass {count} rows, or a DataFrame with these columns")
    try:
        rows = covariates.of_frame(values) if hasattr(values, "columns") else _numbers(name, values)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
    rows = rows[:, None] if rows.ndim == 1 else rows
    width = len(covariates.columns)
    if rows.ndim != 2 or rows.shape[1] != width or len(rows) < count or not np.isfinite(rows[:count]).all():
        end = " (one per step, and the horizon after the last)" if name == "future_covariates" else ""
        raise ConfigError(
            f"{name}: expected finite numbers [{count}, {width}]{end}, the columns {names}; got shape {rows.shape}"
            + " with gaps" * (rows.shape == (count, width))
        )
    return covariates.scale.scaled(rows[:count])


def _calendar(series, times, count):
    """Returns the features of the calendar [count + horizon, 2 n], or None if the network reads none."""
    if not series.calendar:
        return None
    if times is None:
        raise ConfigError("times: the network reads the calendar; pass the time of each step, or a DataFrame with them")
    try:
        array = np.asarray(times, "datetime64[ns]")
    except ValueError as error:
        raise ConfigError(f"times: expected dates; {error}") from error
    if array.shape != (count,):
        raise ConfigError(f"times: expected {count}, one per step; got shape {array.shape}")
    later = timeline.later(array, series.step, series.horizon)
    return timeline.calendar(np.concatenate([array, later]), series.calendar)
