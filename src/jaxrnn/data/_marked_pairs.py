"""Builds the tasks on two marked values of a sequence: the adding problem and the multiplication problem."""

import jax
import jax.numpy as jnp

from jaxrnn.data.sequences import Sequence, drawn
from jaxrnn.dataset import MemoryTask
from jaxrnn.losses import SQUARED_ERROR


def marked_pairs(length, draw_value, first_value, target, mean, tolerance):
    """Task on the two marked values of a sequence (Hochreiter & Schmidhuber 1997, sections 5.4 and 5.5).

    Each step is a pair of a value and a marker. The length is uniform in {length, ..., 1.1 length}. The marker is 1 at
    one of the first ten steps (X1) and at another of the first length / 2 - 1 steps (X2). It is -1 at the first and
    the last step, unless marked 1, and 0 elsewhere. The target comes at the last step.

    Args:
      length: T, in steps.
      draw_value: (key, shape) -> values.
      first_value: the value of the first step if that step is marked.
      target: (X1, X2) -> y.
      mean: the mean of the target, which is the trivial prediction.
      tolerance: the largest absolute error of a correct sequence.

    Raises:
      ValueError: if the sequences are too short for two marks.
    """
    if length < 22:
        raise ValueError(f"data.length={length} must be at least 22 steps, because two of the first half are marked")
    longest = length + length // 10

    def sample(key):
        key_length, key_value, key_first, key_second = jax.random.split(key, 4)
        end = jax.random.randint(key_length, (), length, longest + 1) - 1
        first, times = jax.random.randint(key_first, (), 0, 10), jnp.arange(longest)
        second = jax.random.randint(key_second, (), 0, length // 2 - 2)
        second += second >= first  # any step but the first marked one
        marks = (times == first) | (times == second)
        values = draw_value(key_value, (longest,))
        values = values.at[0].set(jnp.where(marks[0], first_value, values[0]))
        markers = jnp.where(marks, 1.0, jnp.where((times == 0) | (times == end), -1.0, 0.0))
        y = jnp.full((longest, 1), target(values[first], values[second]))
        return Sequence(jnp.stack([values, markers], axis=-1), y, 1.0 * (times == end), mask=times <= end)

    def solved(ys, batch):
        wrong = (jnp.abs(ys - batch.targets)[..., 0] > tolerance) & (batch.weights > 0)
        return ~wrong.any(axis=0)

    return drawn(
        sample,
        output_size=1,
        loss=SQUARED_ERROR,
        baselines={"mean target": lambda batch: jnp.full_like(batch.targets, mean)},
        memory=MemoryTask(solved, lags=(length - length // 2 + 1, longest - 1)),
        targets="per_sequence",
    )
