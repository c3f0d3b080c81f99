"""Delayed XOR: whether two marked bits, far apart in noise, differ; the target is at the end of the sequence."""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data.sequences import Sequence, drawn, uniform
from jaxrnn.dataset import Dataset, MemoryTask
from jaxrnn.losses import CROSS_ENTROPY
from jaxrnn.metrics import classified
from jaxrnn.types import Size


@checked
def dataset(length: Size = 50) -> Dataset:
    """XOR of the first bit and a bit in the second half; each step is a pair of a bit, -1 or 1, and a mark.

    All other bits are noise. Neither marked bit carries information about the target by itself, as in the delayed XOR
    of Engelken 2023. A guess has a loss of ln 2.

    Args:
      length: T, in steps.

    Raises:
      ValueError: if there are fewer than 3 steps.
    """
    if length < 3:
        raise ValueError(f"data.length={length} must be at least 3 steps: two bits and a step between them")

    def sample(key):
        times = jnp.arange(length)
        key_bits, key_second = jax.random.split(key)
        bits = jax.random.bernoulli(key_bits, 0.5, (length,))
        second = jax.random.randint(key_second, (), length // 2, length)
        xs = jnp.stack([2.0 * bits - 1, 1.0 * ((times == 0) | (times == second))], axis=-1)
        label = (bits[0] ^ bits[second]).astype(int)
        return Sequence(xs, jnp.full((length, 1), label), 1.0 * (times == length - 1), times >= 0)

    return drawn(
        sample,
        output_size=2,
        loss=CROSS_ENTROPY,
        baselines={"a guess": uniform(2)},
        memory=MemoryTask(classified, lags=(length // 2, length - 1)),
        targets="per_sequence",
    )
