"""The next value of a sine: a network needs memory, because the current value does not determine it."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.data._forecast import forecast
from jaxrnn.data._predictors import points as points_of
from jaxrnn.series import Series
from jaxrnn.types import Dataset, Positive, Size


@checked
def dataset(points: Size = 400, step: Positive = 0.3, window: Size = 32) -> Dataset:
    """Windows of a sine at all offsets; the target of every step is the next value.

    Each value occurs once on the way up and once on the way down. The best prediction from one value is therefore
    cos(step) times this value, with a mean squared error of sin(step)^2 / 2. `model=perceptron` cannot do better.

    Args:
      points: the number of values in each of training, validation and test.
      step: radians from one value to the next.
      window: steps per window.
    """
    angles = step * np.arange(3 * points + 1)
    series = Series(np.sin(angles)[:, None], 0.0, 1.0, np.arange(len(angles)), points, "step", ("value",))
    splits = {"validation": (points + 1, 2 * points + 1), "test": (2 * points + 1, 3 * points + 1)}
    data = forecast(series, window, points, splits)

    def predict_from_one_value(batch):
        return points_of(lambda xs: jnp.cos(step) * xs, batch.xs)

    return data._replace(baselines={"best without memory": predict_from_one_value, **data.baselines})
