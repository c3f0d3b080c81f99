"""A series of your own, as arrays, from Python."""

from typing import Any

import numpy as np

from jaxrnn.data._forecast import Target
from jaxrnn.data._measured import Anchor, Calendar, Measured, Options, measured
from jaxrnn.distributions._contract import Distribution
from jaxrnn.types import Dataset, Rate, Size


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
) -> Dataset:
    """Arrays, split in time and scaled by the mean and deviation of the training part alone.

        dataset = jaxrnn.data.series.dataset(values, horizon=12, distribution=gaussian.distribution())

    Args:
      values: [N] or [N, V], what is forecast.
      times: [N], numbers or datetime64; None for 0, 1, 2 ...
      past: [N, P], what else is read, known up to now alone; None for nothing.
      known: [N + F, Q], what is known in advance; None for nothing.
      labels: the names of the V values.
      season: steps of a season, which a baseline looks back and errors are scaled by; None for none.
      window, validation, test, target, horizon, lags, log, calendar, anchor, distribution: as in
        `jaxrnn.data.forecast`.

    Raises:
      ValueError: if lengths do not agree, a value is not finite, or the series is too short.
    """
    arrays = {"values": values, "past": past, "known": known}
    columns = {name: _columns(name, array) for name, array in arrays.items() if array is not None}
    values = columns["values"]
    times = np.arange(len(values)) if times is None else np.asarray(times)
    for name, needed in (("times", len(times)), ("past", len(columns.get("past", values)))):
        if needed != len(values):
            raise ValueError(f"{name} has {needed} rows, values {len(values)}")
    if "known" in columns and len(columns["known"]) < len(values):
        raise ValueError(f"known has {len(columns['known'])} rows, values {len(values)}; it may have more, not fewer")
    labels = tuple(f"value {n + 1}" for n in range(values.shape[1])) if labels is None else tuple(labels)
    found = Measured(values, labels, times, "step", columns.get("past"), columns.get("known"))
    return measured(found, Options(window, validation, test, target, horizon, lags, season, log, calendar, anchor,
                                   distribution))  # fmt: skip


def _columns(name, array):
    array = np.asarray(array, float)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite numbers, [N] or [N, columns]; it has shape {array.shape}")
    return array
