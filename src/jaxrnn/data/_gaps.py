"""Values that are missing: what a network reads in their place, and what is never asked for.

A value that is filled is an input, never a target. In validation and test it is filled from the past only, as whoever
forecasts has to; in the training part the line to the next value may be read, by steps that are not asked for anything.
"""

from typing import Any, Literal, NamedTuple

import numpy as np

Missing = Literal["refuse", "line", "previous"]
FEWEST = 0.5  # of the steps with a known next value, that have to be left to learn from where gaps lie on lines


class Filled(NamedTuple):
    """Columns without gaps.

    Fields:
      values: [N, V].
      missing: [N, V], true where a value was filled.
      informed: [N], true for a step that reads a value of its future.
      rule: how gaps in the training part were filled.
    """

    values: Any
    missing: Any
    informed: Any
    rule: Missing


def filled(columns, labels, times, train, rule) -> Filled:
    """Fills what is forecast or read of the past.

    Args:
      columns: [N, V], NaN where a value is missing.
      labels: of the columns.
      times: [N] numbers that lines run along.
      train: n, values that train.
      rule: "line" or "previous"; "line" gives way to "previous" where it leaves too little to learn from.

    Raises:
      ValueError: if a column has no value in the training part.
    """
    missing = np.isnan(columns)
    for column in np.flatnonzero(missing[:train].all(axis=0)):
        raise ValueError(f"{labels[column]}: the training part holds no value")
    before = np.stack([_previous(column) for column in columns.T], axis=1)
    informed = np.logical_and.accumulate(missing, axis=0).any(axis=1)  # before the first value it stands in its place
    if rule == "line" and missing.any():
        values, inside = before.copy(), np.zeros_like(missing)
        for place, column in enumerate(columns.T):
            known = np.flatnonzero(~missing[:train, place])
            inside[known[0] : known[-1], place] = missing[known[0] : known[-1], place]
            values[inside[:, place], place] = np.interp(times[inside[:, place]], times[known], column[known])
        asked = ~missing[1:train].all(axis=1)
        left = asked & ~inside[: train - 1].any(axis=1)
        if left.sum() >= FEWEST * asked.sum():
            return Filled(values, missing, informed | inside.any(axis=1), "line")
    return Filled(before, missing, informed, "previous")


def known_ahead(columns, times, rule):
    """[N, Q] without gaps, of columns that are known in advance: on the line between their neighbours, or as before."""
    found = np.stack([_previous(column) for column in columns.T], axis=1)
    if rule == "line":
        for place, column in enumerate(columns.T):
            known = np.flatnonzero(np.isfinite(column))
            found[:, place] = np.interp(times, times[known], column[known])
    return found


def _previous(column):
    """A column with the value before each gap in it; the first value stands before itself."""
    known = np.flatnonzero(~np.isnan(column))
    if not len(known):
        return column
    return column[known[np.maximum(np.searchsorted(known, np.arange(len(column)), side="right") - 1, 0)]]
