"""Monthly mean sunspot numbers, January 1749 to December 2008.

Public domain data of the National Geophysical Data Center, as statsmodels ships it. `scripts/build_assets.py` writes
the file.
"""

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data import _assets
from jaxrnn.data._forecast import Target
from jaxrnn.data._measured import Measured, Options, measured
from jaxrnn.types import Dataset, Rate, Size


@checked
def dataset(window: Size = 132, validation: Rate = 0.15, test: Rate = 0.15, target: Target = "all") -> Dataset:
    """3120 values, split in time and scaled by the mean and deviation of the training part.

    Args:
      window: months per window; 132 is about one solar cycle.
      validation, test: the shares of the series, at its end, for validation and test.
      target: "all" predicts the next value at every step, "last" only the value after the window.
    """
    values = np.loadtxt(_assets.FOLDER / "sunspots.csv", delimiter=",", skiprows=1, usecols=1)
    times = 1749 + np.arange(len(values)) / 12
    source = Measured(values[:, None], ("sunspot number",), times, "year")
    return measured(source, Options(window, validation, test, target))
