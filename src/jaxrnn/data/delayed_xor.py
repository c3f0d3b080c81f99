"""Delayed XOR: two bits far apart among noise; whether they differ is asked for at the end."""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data._sequences import Sequence, drawn, uniform
from jaxrnn.losses import cross_entropy
from jaxrnn.metrics import classified
from jaxrnn.types import Dataset, Size


@checked
def dataset(length: Size = 50) -> Dataset:
    """Pairs of a bit, -1 or 1, and a mark; the first bit is marked, and one in the second half.

    The bits between are noise; neither of the two marked tells anything by itself (the delayed XOR of Engelken 2023 has
    the same form). A guess has a loss of ln 2.

    Args:
      length: T, in steps.

    Raises:
      ValueError: for fewer than 3 steps.
    """
    if length < 3:
        raise ValueError(f"data.length={length}: two bits and a step between them need 3 steps")

    def sample(key):
        times = jnp.arange(length)
        key_bits, key_place = jax.random.split(key)
        bits = jax.random.bernoulli(key_bits, 0.5, (length,))
        at = jax.random.randint(key_place, (), length // 2, length)
        xs = jnp.stack([2.0 * bits - 1, 1.0 * ((times == 0) | (times == at))], axis=-1)
        label = (bits[0] ^ bits[at]).astype(int)
        return Sequence(xs, jnp.full((length, 1), label), 1.0 * (times == length - 1), times >= 0)

    return drawn(
        sample,
        output_size=2,
        loss=cross_entropy,
        trivial=uniform(2),
        correct=classified,
        lags=(length // 2, length - 1),
        loss_name="cross-entropy (nats)",
        trivial_name="a guess",
        targets="per_sequence",
    )
