"""A cosine at random phases with Gaussian noise, drawn again for every update; tested without noise."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.batch import Batch
from jaxrnn.data._forecast import forecast
from jaxrnn.dataset import Dataset, TrainingSet
from jaxrnn.series import Series
from jaxrnn.types import NonNegative, Positive, Size

CURVE = 200  # clean values in each of validation and test


@checked
def dataset(window: Size = 20, step: Positive = 0.3, noise: NonNegative = 0.05, stateful: bool = False) -> Dataset:
    """Windows of `window` + 1 noisy points; the target of every step is the next noisy point.

    Args:
      window: steps per window.
      step: radians from one point to the next.
      noise: standard deviation of the noise on every point.
      stateful: whether the carry is handed on from window to window, although windows do not continue each other;
        otherwise each window starts with a fresh carry.
    """
    angles = step * np.arange(window + 2 * CURVE)
    clean = Series(np.cos(angles)[:, None], 0.0, 1.0, angles, window + CURVE, "angle (rad)", ("value",))
    splits = {"validation": (window, window + CURVE), "test": (window + CURVE, window + 2 * CURVE)}

    def plan(key, steps, batch_size):
        def draw(row_key):
            key_phase, key_noise = jax.random.split(row_key)
            phase = jax.random.uniform(key_phase, maxval=2 * jnp.pi)
            return jnp.cos(phase + step * jnp.arange(window + 1)) + noise * jax.random.normal(key_noise, (window + 1,))

        row_keys = jax.vmap(lambda s: jax.random.split(jax.random.fold_in(key, s), batch_size))(steps)
        fresh = jnp.full((len(steps), batch_size), not stateful) | (steps == 0)[:, None]
        return jax.vmap(jax.vmap(draw))(row_keys), fresh

    def batch(arrays, items):
        points, fresh = items
        points = points.T[..., None]
        return Batch(points[:-1], points[1:], jnp.ones(points.shape[:2])[1:], fresh)

    return forecast(clean, window, window + 1, splits)._replace(train=TrainingSet(None, (), plan, batch, stateful))
