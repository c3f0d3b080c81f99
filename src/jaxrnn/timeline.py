"""Times of a series: how far apart they are, which are missing, and which come after the last one.

The rules of the calendar (business days, month ends) are pandas', which is imported only where there are dates.
"""

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

SPARSE = 2  # missing steps per time, above which times have no frequency
MOST = 100  # steps per time that a frequency may have that is given
STRETCHES = (12, 6, 3)  # consecutive times that a frequency is looked for in
DRAWN = 40  # stretches of each length at most
TOLERANCE = 1e-6  # of a step, for times that are numbers


class Spacing(NamedTuple):
    """How the times of a series follow each other.

    Fields:
      step: from a time to the next, a pandas offset or a number; None where the times have no frequency.
      places: [N], which step each time is, counted from 0; a place that is left out is a missing step.
    """

    step: Any
    places: Any

    @property
    def missing(self) -> int:
        """Steps without a time."""
        return int(self.places[-1]) + 1 - len(self.places)

    @property
    def name(self) -> str:
        """The step in words."""
        months = getattr(self.step, "kwds", {}).get("months")
        return f"{months} months" if months else getattr(self.step, "freqstr", str(self.step))


def spacing(times: Any, alias: str | None = None) -> Spacing:
    """How rising times follow each other: by the frequency of this name, or by the one that leaves out fewest steps.

    Args:
      times: [N], numbers or datetime64.
      alias: of a pandas offset, such as "B", "ME" or "15min"; None to infer it as pandas does.

    Raises:
      ValueError: if there is no such frequency, or a time is not on it.
    """
    times = np.asarray(times)
    if not np.issubdtype(times.dtype, np.datetime64):
        if alias is not None:
            raise ValueError(f"data.frequency={alias} needs dates: name their column, data.time=...")
        return _of_numbers(times.astype(float))
    if alias is not None:
        return _given(times, alias)
    if len(times) < 2:
        return Spacing(None, np.arange(len(times)))
    index = _index(times)
    if (regular := _inferred(index)) is not None and (places := _places(index, regular)) is not None:
        return Spacing(regular, places)
    steps = [step for step in _candidates(index) if _steps_between(index, step) < 2 * (1 + SPARSE) * len(index)]
    fits = [Spacing(step, places) for step in steps if (places := _places(index, step)) is not None]
    best = min(fits, key=lambda spaced: spaced.missing, default=None)
    if best is None or best.missing > SPARSE * len(times):
        return Spacing(None, np.arange(len(times)))
    return best


def later(times: Any, step: Any, count: int) -> np.ndarray:
    """[count] times after the last one.

    Args:
      times: [N].
      step: as in `Spacing`; None for the median difference.
      count: how many.
    """
    times = np.asarray(times)
    if step is None or isinstance(step, int | float):
        apart = _median(times) if step is None else step
        return times[-1] + apart * np.arange(1, count + 1)
    return _steps(_index(times[-1:])[0], step, count + 1)[1:].astype(times.dtype)


def between(times: Any, spaced: Spacing) -> np.ndarray:
    """All steps from the first time to the last, those without a time included."""
    times, count = np.asarray(times), int(spaced.places[-1]) + 1
    if isinstance(spaced.step, int | float):
        return np.interp(np.arange(count), spaced.places, times.astype(float))
    found = _steps(_index(times[:1])[0], spaced.step, count).astype(times.dtype)
    found[spaced.places] = times
    return found


def _median(times):
    """The median difference, of the type of the times' differences; 1 where there is one time."""
    apart = np.diff(times)
    return np.sort(apart)[len(apart) // 2] if len(apart) else np.ones(1, times.dtype).astype(int)[0]


def _of_numbers(times):
    if len(times) < 2:
        return Spacing(None, np.arange(len(times)))
    step = float(_median(times))
    places = (times - times[0]) / step
    whole = np.round(places)
    on_grid = (np.abs(places - whole) <= TOLERANCE * np.maximum(whole, 1)).all() and (np.diff(whole) >= 1).all()
    if not on_grid or whole[-1] + 1 > (1 + SPARSE) * len(times):
        return Spacing(None, np.arange(len(times)))
    return Spacing(step, whole.astype(int))


def _given(times, alias):
    from pandas.tseries.frequencies import to_offset

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of aliases that pandas renames
            step = to_offset(alias)
    except (ValueError, TypeError):
        step = None
    if step is None or step.n < 1:
        raise ValueError(f"data.frequency={alias}: not a pandas offset alias, such as B, D, W-MON, ME, MS, h or 15min")
    index = _index(times)
    if _steps_between(index, step) > MOST * len(index):
        raise ValueError(f"data.frequency={alias}: more than {MOST} steps per time; give a coarser one")
    places = _places(index, step)
    if places is None:
        expected = set(_steps(index[0], step, 2 * len(index)).tolist())
        first = next((at for at, time in enumerate(index.to_numpy().tolist()) if time not in expected), len(index) - 1)
        raise ValueError(f"data.frequency={alias}: the time {times[first]} (row {first + 1}) is not on it; leave it "
                         "out to infer the frequency, or give another one")  # fmt: skip
    return Spacing(step, places)


def _index(times):
    """The `pandas.DatetimeIndex` of times, in units of pandas'."""
    import pandas

    unit = np.datetime_data(times.dtype)[0]
    return pandas.DatetimeIndex(times.astype("datetime64[s]") if unit in ("Y", "M", "W", "D", "h", "m") else times)


def _steps(first, step, count):
    """[count] datetime64 from a time on."""
    import pandas

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of offsets that cannot be computed all at once
        return pandas.date_range(first, periods=count, freq=step, unit=first.unit).to_numpy()


def _places(index, step):
    """[N], the place of each time among the steps from the first one on; None where a time is not on a step."""
    import pandas

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = pandas.date_range(index[0], index[-1], freq=step, unit=index.unit)
    places = steps.get_indexer(index)
    return places if (places >= 0).all() else None


def _steps_between(index, step):
    """How many steps lie between the first time and the last one, roughly."""
    return (index[-1] - index[0]) / ((index[0] + 8 * step - index[0]) / 8)


def _inferred(index):
    """The pandas offset that all times follow without a gap, or None."""
    import pandas
    from pandas.tseries.frequencies import to_offset

    if len(index) < 3:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a later version of pandas gives
        return to_offset(pandas.infer_freq(index))


def _candidates(index):
    """Offsets that the times may follow with gaps, those of gapless stretches first."""
    from pandas import Timedelta, offsets
    from pandas.tseries.frequencies import to_offset

    for length in STRETCHES:
        starts = np.unique(np.linspace(0, max(len(index) - length, 0), DRAWN).astype(int))
        found = (_inferred(index[start : start + length]) for start in starts)
        yield from dict.fromkeys(step for step in found if step is not None)
    months = np.asarray(index.year) * 12 + np.asarray(index.month)
    if (np.diff(months) > 0).all():
        apart = math.gcd(*np.diff(months).tolist())
        if (index.day == 1).all():
            yield offsets.MonthBegin(apart)
        elif index.is_month_end.all():
            yield offsets.MonthEnd(apart)
        elif len(set(index.day)) == 1:
            yield offsets.DateOffset(months=apart)
        yield from (offsets.BusinessMonthEnd(apart), offsets.BusinessMonthBegin(apart))
    yield offsets.BusinessDay()
    apart = math.gcd(*np.diff(index.to_numpy().astype(int)).tolist())
    yield to_offset(Timedelta(np.timedelta64(apart, index.unit)))
    yield from (offsets.BusinessDay(), offsets.BusinessMonthEnd(), offsets.BusinessMonthBegin())
