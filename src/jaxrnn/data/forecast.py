"""Forecasts of six measured series: sunspots, CO2, sea temperature, Seattle's weather, airline passengers, lynx.

The series come from statsmodels (sunspots, CO2), bokeh-sampledata (sea), vega_datasets (Seattle) and aeon (airline,
lynx). `scripts/build_assets.py` writes the files.
"""

import csv
from typing import Literal, NamedTuple

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _assets, _times
from jaxrnn.data._forecast import Target
from jaxrnn.data._measured import Anchor, Calendar, Measured, Options, measured
from jaxrnn.distribution import Distribution
from jaxrnn.types import Dataset, Rate, Size


class Source(NamedTuple):
    """Series that ships with the package, and its default options.

    Fields:
      time, label: the names of the time axis and of the values, with their unit.
      column: the index of the value column.
      past_covariates: the indices of further input columns.
      season: steps per season, or None.
      lags: the number of values read at a step.
      log: whether the network learns the logarithm.
      calendar: calendar inputs.
      anchor: the forecast that the network's outputs are added to, chosen on the validation part.
    """

    time: str
    label: str
    column: int = 1
    past_covariates: tuple[int, ...] = ()
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
def dataset(
    series: Literal["sunspots", "co2", "sea", "seattle", "airline", "lynx"] = "co2",
    window: Size = 24,
    validation: Rate = 0.15,
    test: Rate = 0.15,
    target: Target = "all",
    horizon: Size = 1,
    lags: Size | None = None,
    log: bool | None = None,
    calendar: Calendar | None = None,
    anchor: Anchor | Literal["own"] | None = "own",
    distribution: Distribution | None = None,
) -> Dataset:
    """One of the series, split in time and scaled by the mean and deviation of the training part.

    - sunspots: monthly sunspot numbers, 1749 to 2008
    - co2: weekly CO2 at Mauna Loa, 1958 to 2001
    - sea: sea temperature every half hour
    - seattle: highest temperature of each day in Seattle, 2012 to 2015; the network also reads rain, lowest
      temperature and wind
    - airline: monthly airline passengers, 1949 to 1960
    - lynx: lynx trapped per year, 1821 to 1934

    The CO2 series lacks 59 weeks. They are interpolated between their neighbours; in validation and test the value
    before is repeated. Filled values are inputs but never targets.

    Args:
      series: the name of the series.
      window: steps per window.
      validation, test: the shares of the series, at its end, for validation and test.
      target: "all" predicts the next values at every step, "last" only those after the window.
      horizon: h, the number of future values that each output predicts.
      lags: the number of values read at a step, the newest and those before it; None for the series' default.
      log: whether the network learns the logarithm of the values; None for true with airline and lynx only.
      calendar: inputs from the times: position in the "year", the "week" or the "day"; None for the series' default.
      anchor: the forecast that the network's outputs are added to: the "last" value, a "linear" function of the step's
        inputs, fitted beforehand (Zhang 2003), the series' default ("own"), or None.
      distribution: the distribution of each future value (see `jaxrnn.distributions`); None for a point forecast.
    """
    source = SERIES[series]
    lags, log = source.lags if lags is None else lags, source.log if log is None else log
    calendar = source.calendar if calendar is None else calendar
    anchor = source.anchor if anchor == "own" else anchor
    return measured(
        _read(series),
        Options(
            window,
            validation,
            test,
            target,
            horizon,
            lags,
            source.season,
            log,
            calendar,
            anchor,
            distribution,
            "interpolate",
        ),
    )


def _read(name):
    source = SERIES[name]
    with open(_assets.FOLDER / f"{name}.csv", newline="") as file:
        header, *rows = csv.reader(file)
    columns = [
        np.array([float(row[column] or "nan") for row in rows]) for column in (source.column, *source.past_covariates)
    ]
    values, *past_covariates = columns
    times, _ = _times.read([row[0] for row in rows])
    return Measured(
        values[:, None],
        (source.label,),
        times,
        source.time,
        np.stack(past_covariates, axis=1) if past_covariates else None,
        past_columns=tuple((header[column], None) for column in source.past_covariates),
    )
