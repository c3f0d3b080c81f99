"""The next value of a sine from this one alone: what a network without memory cannot know, and one with memory can."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data._forecast import forecast
from jaxrnn.data._predictors import points as points_of
from jaxrnn.series import Series
from jaxrnn.types import Dataset, Positive, Size


@checked
def dataset(points: Size = 400, step: Positive = 0.3, window: Size = 32) -> Dataset:
    """Windows of a sine at all offsets, the next value asked for at every step.

    A value comes once on the way up and once on the way down, so the best guess from it alone is cos(step) times it,
    with a mean squared error of sin(step)^2 / 2. `model=perceptron` can do no better.

    Args:
      points: values that train, and as many for validation and for the test.
      step: radians from a value to the next.
      window: steps a window.
    """
    angles = step * np.arange(3 * points + 1)
    series = Series(np.sin(angles)[:, None], 0.0, 1.0, np.arange(len(angles)), points, "step", ("value",))
    splits = {"validation": (points + 1, 2 * points + 1), "test": (2 * points + 1, 3 * points + 1)}
    made = forecast(series, window, points, splits)

    def from_one_value(batch):
        return points_of(lambda xs: jnp.cos(step) * xs, batch.xs)

    return made._replace(baselines={"best without memory": from_one_value, **made.baselines})
