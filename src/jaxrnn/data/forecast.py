"""Six measured series: sunspots, CO2, sea temperature, Seattle's weather, airline passengers, lynx.

From statsmodels (sunspots, CO2), bokeh-sampledata (sea), vega_datasets (Seattle), aeon (airline, lynx);
`scripts/build_assets.py` makes the files.
"""

import csv
from typing import Literal, NamedTuple

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _assets, _times
from jaxrnn.data._forecast import Target
from jaxrnn.data._measured import Anchor, Calendar, Measured, Options, measured
from jaxrnn.distributions._contract import Distribution
from jaxrnn.types import Dataset, Rate, Size


class Source(NamedTuple):
    """A series that ships.

    Fields:
      time, label: names of the time axis and of the values, with their unit.
      column: of the values, from 0.
      past: columns that are read beside the values.
      season: steps a season, or None.
      lags: values read at a step.
      log: whether the logarithm is forecast.
      calendar: what is known in advance.
      anchor: what the network's outputs are added to, by the validation part.
    """

    time: str
    label: str
    column: int = 1
    past: tuple[int, ...] = ()
    season: int | None = None
    lags: int = 1
    log: bool = False
    calendar: Calendar = ()
    anchor: Anchor = "last"


SERIES = {
    "sunspots": Source("month", "sunspot number", lags=24),
    "co2": Source("week", "CO2 (ppm)", 1, (), 52, 54, calendar=("year",), anchor="linear"),
    "sea": Source("time", "sea temperature (°C)", season=48, lags=49, calendar=("day", "year")),
    "seattle": Source("day", "highest temperature (°C)", 2, (1, 3, 4), lags=7, calendar=("year",)),
    "airline": Source("month", "passengers (thousands)", season=12, lags=13, log=True, anchor="linear"),
    "lynx": Source("year", "lynx trapped", lags=12, log=True),
}


@checked
def dataset(series: Literal["sunspots", "co2", "sea", "seattle", "airline", "lynx"] = "co2", window: Size = 24,
            validation: Rate = 0.15, test: Rate = 0.15, target: Target = "every", horizon: Size = 1,
            lags: Size | None = None, log: bool | None = None, calendar: Calendar | None = None,
            anchor: Anchor | Literal["own"] | None = "own",
            distribution: Distribution | None = None) -> Dataset:  # fmt: skip
    """One of the series, split in time and scaled by the mean and deviation of the training part alone.

    The 59 weeks that the CO2 series lacks are filled on the line between their neighbours, in validation and test with
    the value before them; they are read, but are never targets.

    Args:
      series: which one: monthly sunspots 1749 to 2008, weekly CO2 at Mauna Loa 1958 to 2001, sea temperature every half
        hour, the day's highest temperature in Seattle 2012 to 2015 (rain, lowest temperature and wind are read beside
        it), monthly airline passengers 1949 to 1960, lynx trapped a year 1821 to 1934.
      window: steps a window.
      validation, test: the shares of the series, at its end, that validate and test.
      target: "every" asks for the next values at every step, "last" for those after the window alone.
      horizon: h, how many values to come an output speaks of.
      lags: values that are read at a step, the newest and those before it; None for the series' own number.
      log: whether the logarithm of the values is learned; None for airline and lynx alone.
      calendar: what is known in advance, of "year", "week" and "day"; None for the series' own.
      anchor: what the network's outputs are added to: the "last" value, a "linear" function of what is read at a step,
        fitted beforehand (Zhang 2003), the one of the two that is the series' "own", or None for nothing.
      distribution: of each value to come (see `jaxrnn.distributions`); None for a point.
    """
    source = SERIES[series]
    lags, log = source.lags if lags is None else lags, source.log if log is None else log
    calendar = source.calendar if calendar is None else calendar
    anchor = source.anchor if anchor == "own" else anchor
    return measured(_read(series), Options(window, validation, test, target, horizon, lags, source.season, log,
                                           calendar, anchor, distribution, "line"))  # fmt: skip


def _read(name):
    source = SERIES[name]
    with open(_assets.FOLDER / f"{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    columns = [np.array([float(row[column] or "nan") for row in rows]) for column in (source.column, *source.past)]
    values, *past = columns
    times, _ = _times.read([row[0] for row in rows])
    return Measured(values[:, None], (source.label,), times, source.time, np.stack(past, axis=1) if past else None)
