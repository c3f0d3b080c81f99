"""The adding problem: the sum, at the end of a sequence, of two marked values that are far apart."""

from typing import Literal

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data._marked_pairs import marked_pairs
from jaxrnn.data.sequences import Sequence, drawn
from jaxrnn.dataset import Dataset, MemoryTask
from jaxrnn.losses import SQUARED_ERROR
from jaxrnn.types import Size


@checked
def dataset(length: Size = 100, form: Literal["hochreiter1997", "le2015"] = "hochreiter1997") -> Dataset:
    """The sum of two marked values; each step is a pair of a value and a marker.

    - "hochreiter1997" (section 5.4): values in [-1, 1], target 0.5 + (X1 + X2) / 4. A constant prediction has a loss
      of 1/24, or slightly less, because the first value is 0 if it is marked.
    - "le2015" (Le, Jaitly & Hinton; Arjovsky et al. 2016): values in [0, 1], one marked in each half, target X1 + X2.
      A constant prediction has a loss of 1/6. In both, a sequence with an error of at most 0.04 counts as correct.

    Args:
      length: T, in steps; the form of 1997 draws lengths from T to 1.1 T.
      form: the paper whose version of the task is used.

    Raises:
      ValueError: if the sequences are too short for two marks.
    """
    if form == "hochreiter1997":
        return marked_pairs(
            length,
            draw_value=lambda key, shape: jax.random.uniform(key, shape, minval=-1.0, maxval=1.0),
            first_value=0.0,
            target=lambda x_1, x_2: 0.5 + (x_1 + x_2) / 4,
            mean=0.5,
            tolerance=0.04,
        )
    if length < 2:
        raise ValueError(f"data.length={length} must be at least 2 steps, because a value is marked in each half")
    half, times = length // 2, jnp.arange(length)

    def sample(key):
        key_value, key_first, key_second = jax.random.split(key, 3)
        first = jax.random.randint(key_first, (), 0, half)
        second = jax.random.randint(key_second, (), half, length)
        values = jax.random.uniform(key_value, (length,))
        marks = (times == first) | (times == second)
        xs = jnp.stack([values, 1.0 * marks], axis=-1)
        targets = jnp.full((length, 1), values[first] + values[second])
        return Sequence(xs, targets, 1.0 * (times == length - 1), times >= 0)

    return drawn(
        sample,
        output_size=1,
        loss=SQUARED_ERROR,
        baselines={"mean target": lambda batch: jnp.ones_like(batch.targets)},
        memory=MemoryTask(lambda ys, batch: jnp.abs(ys[-1] - batch.targets[-1])[..., 0] <= 0.04, lags=(1, length - 1)),
        targets="per_sequence",
    )
