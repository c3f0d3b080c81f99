"""A finely sampled cosine; the target is the value after each window."""

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
    """cos(x) on [start, stop]; the last windows are the validation set.

    The test set has equally many windows, beyond `stop`.

    Args:
      points: the number of samples, both ends included.
      start, stop: the range of x, in radians.
      window: steps per window.
      held_out: the number of validation windows; their targets are the last values of the curve.
      target: "last" predicts the value after the window, "all" the next value at every step.

    Raises:
      ValueError: if there are too few points for the validation windows and one training window.
    """
    if points - held_out <= window:
        raise ValueError(
            f"data.window={window} and data.held_out={held_out} leave none of data.points={points} to train on: "
            f"the window must be at most {max(points - held_out - 1, 0)} steps"
        )
    angles = start + (stop - start) / (points - 1) * np.arange(points + held_out)
    series = Series(np.cos(angles)[:, None], 0.0, 1.0, angles, points, "angle (rad)", ("value",))
    splits = {"validation": (points - held_out, points), "test": (points, points + held_out)}
    return forecast(series, window, points - held_out, splits, target)
