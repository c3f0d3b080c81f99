"""The times of a series: their frequency, the missing times, and the times after the last one.

pandas supplies the calendar rules (business days, month ends); it is imported only for dates.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

MAX_MISSING = 2  # missing steps per time; with more, the times have no frequency
MAX_STEPS = 100  # steps per time that a frequency set by the user may have
STRETCHES = (12, 6, 3)  # numbers of consecutive times in which a frequency is looked for
MAX_STRETCHES = 40  # stretches of each length that are looked at
PERIODS = {"year": 365.25 * 86400, "week": 7 * 86400.0, "day": 86400.0}  # seconds, of the parts of a calendar
TOLERANCE = 1e-6  # relative to a step, for times that are numbers


class Spacing(NamedTuple):
    """The regular grid that the times of a series lie on.

    Fields:
      step: distance between two grid times, a pandas offset or a number; None if the times have no frequency.
      places: [N], the index of each time on the grid, from 0; an index that is left out is a missing step.
    """

    step: Any
    places: Any

    @property
    def missing(self) -> int:
        """Number of steps without a time."""
        return int(self.places[-1]) + 1 - len(self.places)

    @property
    def name(self) -> str:
        """Name of the step, such as "D" or "3 months"."""
        months = getattr(self.step, "kwds", {}).get("months")
        return f"{months} months" if months else getattr(self.step, "freqstr", str(self.step))


def spacing(times: Any, alias: str | None = None) -> Spacing:
    """Returns the `Spacing` of rising times, with a given frequency or the one with the fewest missing steps.

    Args:
      times: [N], numbers or datetime64.
      alias: alias of a pandas offset, such as "B", "ME" or "15min"; None to infer the frequency.

    Raises:
      ValueError: if the frequency does not exist, or a time does not lie on it.
    """
    times = np.asarray(times)
    if not np.issubdtype(times.dtype, np.datetime64):
        if alias is not None:
            raise ValueError(f"data.frequency={alias} needs dates: set data.time=... to the column that holds them")
        return _number_spacing(times.astype(float))
    if alias is not None:
        return _spacing_by_alias(times, alias)
    if len(times) < 2:
        return Spacing(None, np.arange(len(times)))
    index = _index(times)
    if (regular := _infer_offset(index)) is not None and (places := _grid_indices(index, regular)) is not None:
        return Spacing(regular, places)
    steps = [
        step for step in _candidate_offsets(index) if _estimate_steps(index, step) < 2 * (1 + MAX_MISSING) * len(index)
    ]
    fits = [Spacing(step, places) for step in steps if (places := _grid_indices(index, step)) is not None]
    best = min(fits, key=lambda spaced: spaced.missing, default=None)
    if best is None or best.missing > MAX_MISSING * len(times):
        return Spacing(None, np.arange(len(times)))
    return best


def later(times: Any, step: Any, count: int) -> np.ndarray:
    """Returns the next times after the last one: [count].

    Args:
      times: [N].
      step: as in `Spacing`; None for the median difference.
      count: number of times.
    """
    times = np.asarray(times)
    if step is None or isinstance(step, int | float):
        difference = _median_difference(times) if step is None else step
        return times[-1] + difference * np.arange(1, count + 1)
    return _grid_times(_index(times[-1:])[0], step, count + 1)[1:].astype(times.dtype)


def between(times: Any, spaced: Spacing) -> np.ndarray:
    """Returns the times of all steps from the first to the last, also of the missing ones."""
    times, count = np.asarray(times), int(spaced.places[-1]) + 1
    if isinstance(spaced.step, int | float):
        return np.interp(np.arange(count), spaced.places, times.astype(float))
    grid = _grid_times(_index(times[:1])[0], spaced.step, count).astype(times.dtype)
    grid[spaced.places] = times
    return grid


def calendar(times: np.ndarray, parts: Sequence[str]) -> np.ndarray:
    """Returns [N, 2 n]: sine and cosine of each time's position in each of n `parts` ("year", "week" or "day")."""
    whole = times.astype("datetime64[s]")
    seconds = whole.astype(float) + (times - whole) / np.timedelta64(1, "s")
    angles = [2 * np.pi * seconds / PERIODS[part] for part in parts]
    return np.stack([f(angle) for angle in angles for f in (np.sin, np.cos)], axis=1)


def _median_difference(times):
    """Returns the median difference between times, in the dtype of the differences; 1 for a single time."""
    differences = np.diff(times)
    return np.sort(differences)[len(differences) // 2] if len(differences) else np.ones(1, times.dtype).astype(int)[0]


def _number_spacing(times):
    if len(times) < 2:
        return Spacing(None, np.arange(len(times)))
    step = float(_median_difference(times))
    places = (times - times[0]) / step
    rounded = np.round(places)
    on_grid = (np.abs(places - rounded) <= TOLERANCE * np.maximum(rounded, 1)).all() and (np.diff(rounded) >= 1).all()
    if not on_grid or rounded[-1] + 1 > (1 + MAX_MISSING) * len(times):
        return Spacing(None, np.arange(len(times)))
    return Spacing(step, rounded.astype(int))


def _spacing_by_alias(times, alias):
    from pandas.tseries.frequencies import to_offset

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about aliases that pandas has renamed
            step = to_offset(alias)
    except (ValueError, TypeError):
        step = None
    if step is None or step.n < 1:
        raise ValueError(f"data.frequency={alias}: expected a pandas offset alias, such as B, D, W-MON, ME or 15min")
    index = _index(times)
    if _estimate_steps(index, step) > MAX_STEPS * len(index):
        raise ValueError(f"data.frequency={alias}: more than {MAX_STEPS} steps per time; set a coarser frequency")
    places = _grid_indices(index, step)
    if places is None:
        expected = set(_grid_times(index[0], step, 2 * len(index)).tolist())
        first = next((at for at, time in enumerate(index.to_numpy().tolist()) if time not in expected), len(index) - 1)
        raise ValueError(
            f"data.frequency={alias}: the time {times[first]} (row {first + 1}) does not fit it; leave data.frequency "
            "out to infer it, or set another one"
        )
    return Spacing(step, places)


def _index(times):
    """Returns the `pandas.DatetimeIndex` of times, in a unit that pandas supports."""
    import pandas

    unit = np.datetime_data(times.dtype)[0]
    return pandas.DatetimeIndex(times.astype("datetime64[s]") if unit in ("Y", "M", "W", "D", "h", "m") else times)


def _grid_times(first, step, count):
    """Returns [count] times, datetime64, from `first` on."""
    import pandas

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about offsets that pandas cannot vectorize
        return pandas.date_range(first, periods=count, freq=step, unit=first.unit).to_numpy()


def _grid_indices(index, step):
    """Returns the index of each time on the grid, [N]; None if a time is not on the grid."""
    import pandas

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = pandas.date_range(index[0], index[-1], freq=step, unit=index.unit)
    places = steps.get_indexer(index)
    return places if (places >= 0).all() else None


def _estimate_steps(index: Any, step: Any) -> float:
    """Returns roughly how many steps lie between the first time and the last one."""
    return (index[-1] - index[0]) / ((index[0] + 8 * step - index[0]) / 8)


def _infer_offset(index):
    """Returns the pandas offset that all times follow without a gap, or None."""
    import pandas
    from pandas.tseries.frequencies import to_offset

    if len(index) < 3:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about changes in later versions of pandas
        return to_offset(pandas.infer_freq(index))


def _candidate_offsets(index):
    """Yields offsets that the times may follow with gaps, first the offsets of stretches without a gap."""
    from pandas import Timedelta, offsets
    from pandas.tseries.frequencies import to_offset

    for length in STRETCHES:
        starts = np.unique(np.linspace(0, max(len(index) - length, 0), MAX_STRETCHES).astype(int))
        offsets_of_stretches = (_infer_offset(index[start : start + length]) for start in starts)
        yield from dict.fromkeys(step for step in offsets_of_stretches if step is not None)
    months = np.asarray(index.year) * 12 + np.asarray(index.month)
    if (np.diff(months) > 0).all():
        divisor = math.gcd(*np.diff(months).tolist())
        if (index.day == 1).all():
            yield offsets.MonthBegin(divisor)
        elif index.is_month_end.all():
            yield offsets.MonthEnd(divisor)
        elif len(set(index.day)) == 1:
            yield offsets.DateOffset(months=divisor)
        yield from (offsets.BusinessMonthEnd(divisor), offsets.BusinessMonthBegin(divisor))
    yield offsets.BusinessDay()
    divisor = math.gcd(*np.diff(index.to_numpy().astype(int)).tolist())
    spacing: Any = Timedelta(np.timedelta64(divisor, index.unit))  # never NaT
    yield to_offset(spacing)
    yield from (offsets.BusinessDay(), offsets.BusinessMonthEnd(), offsets.BusinessMonthBegin())
