"""Fills missing values, so that a network can read them.

A filled value is an input, never a target. In validation and test it is filled from the past only, because a forecast
knows no more. In the training part a gap may be filled by linear interpolation; steps that read such a value know
their future, so they have no target.
"""

from typing import Any, Literal, NamedTuple

import numpy as np

Missing = Literal["error", "interpolate", "forward_fill"]
MIN_LEARNABLE = 0.5  # share of the steps with a known next value that interpolation must leave as targets


class Filled(NamedTuple):
    """Columns without gaps.

    Fields:
      values: [N, V].
      missing: [N, V], true if the value was filled.
      informed: [N], true if the step reads a value that depends on its future.
      rule: the rule that filled the gaps of the training part.
    """

    values: Any
    missing: Any
    informed: Any
    rule: Missing


def fill_past(columns, labels, times, train, rule) -> Filled:
    """Fills the gaps of columns that are forecast, or read up to the present.

    Args:
      columns: [N, V], with NaN for a missing value.
      labels: the names of the columns.
      times: [N] numbers, the axis of the interpolation.
      train: n, the number of values in the training part.
      rule: "interpolate" or "forward_fill". "forward_fill" replaces "interpolate" if that would leave too few targets.

    Raises:
      ValueError: if a column has no value in the training part.
    """
    missing = np.isnan(columns)
    for column in np.flatnonzero(missing[:train].all(axis=0)):
        raise ValueError(f"{labels[column]}: the training part has no value")
    previous = np.stack([_previous(column) for column in columns.T], axis=1)
    informed = np.logical_and.accumulate(missing, axis=0).any(axis=1)  # a gap at the start reads the first value
    if rule == "interpolate" and missing.any():
        values, interpolated = previous.copy(), np.zeros_like(missing)
        for index, column in enumerate(columns.T):
            known = np.flatnonzero(~missing[:train, index])
            interpolated[known[0] : known[-1], index] = missing[known[0] : known[-1], index]
            gaps = interpolated[:, index]
            values[gaps, index] = np.interp(times[gaps], times[known], column[known])
        has_target = ~missing[1:train].all(axis=1)
        learnable = has_target & ~interpolated[: train - 1].any(axis=1)
        if learnable.sum() >= MIN_LEARNABLE * has_target.sum():
            return Filled(values, missing, informed | interpolated.any(axis=1), "interpolate")
    return Filled(previous, missing, informed, "forward_fill")


def known_ahead(columns, times, rule):
    """Fills the gaps of columns [N, Q] that are known in advance, by "interpolate" or "forward_fill" (the `rule`)."""
    filled_columns = np.stack([_previous(column) for column in columns.T], axis=1)
    if rule == "interpolate":
        for index, column in enumerate(columns.T):
            known = np.flatnonzero(np.isfinite(column))
            filled_columns[:, index] = np.interp(times, times[known], column[known])
    return filled_columns


def _previous(column):
    """Fills each gap of a column with the value before it, and a gap at the start with the first value."""
    known = np.flatnonzero(~np.isnan(column))
    if not len(known):
        return column
    return column[known[np.maximum(np.searchsorted(known, np.arange(len(column)), side="right") - 1, 0)]]
