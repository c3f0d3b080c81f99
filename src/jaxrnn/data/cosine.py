"""A finely sampled cosine: windows of it, and the value after each window as the target."""

import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data._forecast import Target, forecast
from jaxrnn.series import Series
from jaxrnn.types import Dataset, Size


@checked
def dataset(
    points: Size = 3000,
    start: float = 1.0,
    stop: float = 100.0,
    window: Size = 500,
    held_out: Size = 500,
    target: Target = "last",
) -> Dataset:
    """cos on [start, stop]; the last windows validate, as many beyond `stop` test.

    Args:
      points: number of samples, the ends included.
      start, stop: the range, in radians.
      window: steps a window.
      held_out: number of windows that validate; their targets are the last values of the curve.
      target: "last" asks for the value after the window, "every" for the next value at every step.

    Raises:
      ValueError: if the windows held out and one to train on need more points than there are.
    """
    if points - held_out <= window:
        raise ValueError(
            f"data.window={window} and data.held_out={held_out} leave nothing of data.points={points} to train on: "
            f"the window may have {max(points - held_out - 1, 0)} steps at most"
        )
    angles = start + (stop - start) / (points - 1) * np.arange(points + held_out)
    series = Series(np.cos(angles)[:, None], 0.0, 1.0, angles, points, "angle (rad)", ("value",))
    splits = {"validation": (points - held_out, points), "test": (points, points + held_out)}
    return forecast(series, window, points - held_out, splits, target)
