"""A series of your own, as arrays, from Python."""

from typing import Any

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data._forecast import Target
from jaxrnn.data._gaps import Missing
from jaxrnn.data._measured import Anchor, Calendar, Measured, Options, measured
from jaxrnn.distributions._contract import Distribution
from jaxrnn.types import Dataset, Rate, Size


@checked
def dataset(
    values: Any,
    times: Any = None,
    past: Any = None,
    known: Any = None,
    labels: tuple[str, ...] | None = None,
    window: Size = 32,
    validation: Rate = 0.15,
    test: Rate = 0.15,
    target: Target = "every",
    horizon: Size = 1,
    lags: Size = 1,
    season: Size | None = None,
    log: bool = False,
    calendar: Calendar = (),
    anchor: Anchor | None = None,
    distribution: Distribution | None = None,
    missing: Missing = "refuse",
    frequency: str | None = None,
) -> Dataset:
    """Arrays, split in time and scaled by the mean and deviation of the training part alone.

        dataset = jaxrnn.data.series.dataset(values, horizon=12, distribution=gaussian.distribution())

    Args:
      values: [N] or [N, V], what is forecast; NaN where a value is missing.
      times: [N], numbers or datetime64, which rise; None for 0, 1, 2 ...
      past: [N, P], what else is read, known up to now alone; None for nothing.
      known: [N + F, Q], what is known in advance; None for nothing.
      labels: the names of the V values.
      season: steps of a season, which a baseline looks back and errors are scaled by; None for none.
      window, validation, test, target, horizon, lags, log, calendar, anchor, distribution: as in
        `jaxrnn.data.forecast`.
      missing, frequency: as in `jaxrnn.data.csv`.

    Raises:
      ValueError: if lengths do not agree, a value is not finite or missing, times do not rise, or the series is too
        short.
    """
    arrays = {"values": values, "past": past, "known": known}
    columns = {name: _columns(name, array, missing) for name, array in arrays.items() if array is not None}
    values = columns["values"]
    times = np.arange(len(values)) if times is None else np.asarray(times)
    _check_lengths(columns, times)
    _check_times(times)
    labels = tuple(f"value {n + 1}" for n in range(values.shape[1])) if labels is None else tuple(labels)
    found = Measured(values, labels, times, "step", columns.get("past"), columns.get("known"))
    return measured(found, Options(window, validation, test, target, horizon, lags, season, log, calendar, anchor,
                                   distribution, missing, frequency))  # fmt: skip


def _check_lengths(columns, times):
    count, known = len(columns["values"]), columns.get("known", columns["values"])
    for name, needed in (("times", len(times)), ("past", len(columns.get("past", columns["values"])))):
        if needed != count:
            raise ValueError(f"{name} has {needed} rows, values {count}")
    if len(known) < count:
        raise ValueError(f"known has {len(known)} rows, values {count}; it may have more, not fewer")


def _check_times(times):
    if np.isnat(times).any() if np.issubdtype(times.dtype, np.datetime64) else not np.isfinite(times).all():
        raise ValueError("times: one is NaT or NaN; every row needs a time")
    if not (times[1:] > times[:-1]).all():
        row = int(np.argmin(times[1:] > times[:-1])) + 1
        raise ValueError(f"times: row {row + 1}, {times[row]}, does not come after the row before it; sort the rows by "
                         "time, one row per time")  # fmt: skip


def _columns(name, array, missing):
    array = np.asarray(array, float)
    array = array[:, None] if array.ndim == 1 else array
    if missing == "refuse" and np.isnan(array).any():
        raise ValueError(f"{name}: row {np.argwhere(np.isnan(array))[0][0] + 1} is NaN, and values must be finite; "
                         "fill the gap, or give missing='line' or 'previous'")  # fmt: skip
    if array.ndim != 2 or np.isinf(array).any():
        raise ValueError(f"{name} must be finite numbers, [N] or [N, columns]; it has shape {array.shape}")
    return array
