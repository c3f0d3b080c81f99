"""The adding problem: two marked values far apart in a sequence of pairs; their sum is asked for at its end."""

from typing import Literal

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data._sequences import Sequence, drawn, marked_pairs
from jaxrnn.losses import squared_error
from jaxrnn.types import Dataset, Size


@checked
def dataset(length: Size = 100, form: Literal["hochreiter1997", "le2015"] = "hochreiter1997") -> Dataset:
    """Sequences of pairs, a value and a marker.

    Args:
      length: T, in steps; the form of 1997 draws lengths from T to 1.1 T.
      form: "hochreiter1997" (section 5.4): values in [-1, 1], target 0.5 + (X1 + X2) / 4, right within 0.04; a constant
        has loss 1/24, or a little less, for the first pair's value is 0 where it is marked. "le2015" (Le, Jaitly &
        Hinton; Arjovsky et al. 2016): values in [0, 1], one marked in each half, target X1 + X2, counted as right
        within 0.04 too; a constant has loss 1/6.

    Raises:
      ValueError: if the sequences are too short to mark two pairs.
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
        raise ValueError(f"data.length={length}: a value is marked in each half; 2 steps are the fewest")
    half, times = length // 2, jnp.arange(length)

    def sample(key):
        key_value, key_first, key_second = jax.random.split(key, 3)
        at = jax.random.randint(key_first, (), 0, half)
        other = jax.random.randint(key_second, (), half, length)
        values = jax.random.uniform(key_value, (length,))
        marks = (times == at) | (times == other)
        xs = jnp.stack([values, 1.0 * marks], axis=-1)
        return Sequence(xs, jnp.full((length, 1), values[at] + values[other]), 1.0 * (times == length - 1), times >= 0)

    return drawn(
        sample,
        output_size=1,
        loss=squared_error,
        trivial=lambda batch: jnp.ones_like(batch.targets),
        correct=lambda ys, batch: jnp.abs(ys[-1] - batch.targets[-1])[..., 0] <= 0.04,
        lags=(1, length - 1),
        loss_name="mean squared error",
        trivial_name="mean target",
        targets="per_sequence",
    )
