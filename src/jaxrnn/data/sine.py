"""A sine, point by point: sin(phase), sin(phase + step), ... and after each value the next one as the target."""

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data._forecast import forecast
from jaxrnn.series import Series
from jaxrnn.types import Dataset, Positive, Size


@checked
def dataset(
    points: Size = 36, step: Positive = 1.0, phase: float = 0.0, window: Size = 1, stateful: bool = True
) -> Dataset:
    """`points` inputs for training, then as many values for validation and as many again for the test.

    Args:
      points: training inputs an epoch; their targets reach one value further.
      step: radians from a value to the next.
      phase: the first value's angle, in radians.
      window: steps an update sees; with 1 an update is made at every point.
      stateful: windows in order, the carry going on from update to update and starting anew at each epoch; otherwise
        windows at all offsets in random order, each with a fresh carry.
    """
    train = points + 1
    angles = phase + step * np.arange(train + 2 * points)
    series = Series(np.sin(angles)[:, None], 0.0, 1.0, np.arange(len(angles)), points, "step", ("value",))
    splits = {"validation": (train, train + points), "test": (train + points, train + 2 * points)}
    return forecast(series, window, train, splits, stateful=stateful)
