"""Six measured series: sunspots, CO2, sea temperature, Seattle's weather, airline passengers, lynx.

From statsmodels (sunspots, CO2), bokeh-sampledata (sea), vega_datasets (Seattle), aeon (airline, lynx);
`scripts/build_assets.py` makes the files.
"""

import csv
from typing import Literal

import numpy as np

from jaxrnn.data import _assets
from jaxrnn.data._forecast import Target, forecast_in_time
from jaxrnn.types import Dataset, Rate, Size

# name: (column, time label, value label)
SERIES = {
    "sunspots": (1, "month", "sunspot number"),
    "co2": (1, "week", "CO2 (ppm)"),
    "sea": (1, "half hour", "sea temperature (°C)"),
    "seattle": (2, "day", "highest temperature (°C)"),
    "airline": (1, "month", "passengers (thousands)"),
    "lynx": (1, "year", "lynx trapped"),
}


def dataset(
    series: Literal["sunspots", "co2", "sea", "seattle", "airline", "lynx"] = "co2",
    window: Size = 24,
    validation: Rate = 0.15,
    test: Rate = 0.15,
    target: Target = "every",
) -> Dataset:
    """One of the series, split in time and scaled by the mean and deviation of the training part alone.

    The 59 weeks that the CO2 series lacks are filled on the line between their neighbours.

    Args:
      series: which one: monthly sunspots 1749 to 2008, weekly CO2 at Mauna Loa 1958 to 2001, sea temperature every half
        hour, the day's highest temperature in Seattle 2012 to 2015, monthly airline passengers 1949 to 1960, lynx
        trapped a year 1821 to 1934.
      window: steps a window.
      validation, test: the shares of the series, at its end, that validate and test.
      target: "every" asks for the next value at every step, "last" for the value after the window alone.
    """
    column, time_label, value_label = SERIES[series]
    with open(_assets.FOLDER / f"{series}.csv", newline="") as file:
        values = np.array([float(row[column] or "nan") for row in list(csv.reader(file))[1:]])
    known, times = np.isfinite(values), np.arange(len(values))
    values = np.interp(times, times[known], values[known])
    return forecast_in_time(values, window, validation, test, target, times, time_label, value_label)
