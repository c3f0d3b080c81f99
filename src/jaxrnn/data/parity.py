"""Parity: whether the number of ones so far is odd; one bit of memory that each input may flip."""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data.sequences import Sequence, drawn, uniform
from jaxrnn.dataset import Dataset, MemoryTask
from jaxrnn.losses import CROSS_ENTROPY
from jaxrnn.metrics import classified
from jaxrnn.types import Size


@checked
def dataset(length: Size = 50, every: bool = True) -> Dataset:
    """Random bits, -1 or 1; the target is the parity of the ones so far.

    A guess has a loss of ln 2. With the target at the last step only, the task is hard for gradient descent (Bengio,
    Simard & Frasconi 1994).

    Args:
      length: the longest sequence, in steps; lengths are drawn from half of it to all of it.
      every: whether every step has a target, or only the last.
    """

    def sample(key):
        times = jnp.arange(length)
        key_length, key_bits = jax.random.split(key)
        end = jax.random.randint(key_length, (), (length + 1) // 2, length + 1) - 1
        bits = jax.random.bernoulli(key_bits, 0.5, (length,))
        odd = jnp.cumsum(bits) % 2
        counted = times <= end if every else times == end
        return Sequence((2.0 * bits - 1)[:, None], odd[:, None], 1.0 * counted, times <= end)

    return drawn(
        sample,
        output_size=2,
        loss=CROSS_ENTROPY,
        baselines={"a guess": uniform(2)},
        memory=MemoryTask(classified, lags=(1, length - 1)),
        targets="per_step" if every else "per_sequence",
    )
