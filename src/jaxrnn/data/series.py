"""Your own time series as arrays, for use from Python."""

from typing import Any

import numpy as np

from jaxrnn.arguments import checked
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

    Args:
      values: [N] or [N, V], the values to forecast; NaN for a missing value.
      times: [N], numbers or datetime64 in rising order; None for 0, 1, 2 ...
      past_covariates: [N, P], further inputs, known up to the present; None for no inputs.
      future_covariates: [N + F, Q], inputs that are known in advance; None for no inputs.
      labels: the names of the V values.
      season: steps per season, for the seasonal baseline and the scale of the errors; None for no season.
      window, validation, test, target, horizon, lags, log, calendar, anchor, distribution: as in
        `jaxrnn.data.forecast`.
      missing, frequency: as in `jaxrnn.data.csv`.

    Raises:
      ValueError: if lengths differ, a value is missing or not finite, times do not rise, or the series is too short.
    """
    arrays = {"values": values, "past_covariates": past_covariates, "future_covariates": future_covariates}
    columns = {name: _columns(name, array, missing) for name, array in arrays.items() if array is not None}
    values = columns["values"]
    times = np.arange(len(values)) if times is None else np.asarray(times)
    _check_lengths(columns, times)
    _check_times(times)
    labels = tuple(f"value {n + 1}" for n in range(values.shape[1])) if labels is None else tuple(labels)
    source = Measured(values, labels, times, "step", columns.get("past_covariates"), columns.get("future_covariates"))
    return measured(
        source,
        Options(
            window,
            validation,
            test,
            target,
            horizon,
            lags,
            season,
            log,
            calendar,
            anchor,
            distribution,
            missing,
            frequency,
        ),
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
    array = np.asarray(array, float)
    array = array[:, None] if array.ndim == 1 else array
    if missing == "error" and np.isnan(array).any():
        raise ValueError(
            f"{name}: row {np.argwhere(np.isnan(array))[0][0] + 1} is NaN, but values must be finite; "
            "fill the gap, or give missing='interpolate' or 'forward_fill'"
        )
    if array.ndim != 2 or np.isinf(array).any():
        raise ValueError(f"{name} must be finite numbers of shape [N] or [N, columns], got shape {array.shape}")
    return array
