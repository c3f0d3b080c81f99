"""A sine, point by point: sin(phase), sin(phase + step), ...; the target is the next value."""

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data._forecast import forecast
from jaxrnn.series import Series
from jaxrnn.types import Dataset, Positive, Size


@checked
def dataset(
    points: Size = 36, step: Positive = 1.0, phase: float = 0.0, window: Size = 1, stateful: bool = True
) -> Dataset:
    """A sine with `points` training inputs, followed by as many values for validation and for the test.

    Args:
      points: the number of training inputs per epoch; their targets reach one value further.
      step: radians from one value to the next.
      phase: the angle of the first value, in radians.
      window: steps per update; 1 updates at every point.
      stateful: whether windows come in order and hand the carry on, with a fresh carry each epoch; otherwise windows
        start at all offsets, in random order, with a fresh carry each.
    """
    train = points + 1
    angles = phase + step * np.arange(train + 2 * points)
    series = Series(np.sin(angles)[:, None], 0.0, 1.0, np.arange(len(angles)), points, "step", ("value",))
    splits = {"validation": (train, train + points), "test": (train + points, train + 2 * points)}
    return forecast(series, window, train, splits, stateful=stateful)
