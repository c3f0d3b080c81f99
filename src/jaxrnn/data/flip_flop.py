"""Flip-flops: channels whose last pulse the network must hold (Sussillo & Barak 2013, "Opening the black box")."""

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data.sequences import Sequence, drawn
from jaxrnn.dataset import Dataset, MemoryTask
from jaxrnn.losses import SQUARED_ERROR
from jaxrnn.types import Rate, Size


@checked
def dataset(length: Size = 100, channels: Size = 3, pulses: Rate = 0.1) -> Dataset:
    """Channels of pulses, -1 or 1, among zeros; the target of a channel, at every step, is its last pulse.

    Every channel has a pulse at the first step, so its value is always known. Predicting zeros has a loss of 1. A
    sequence counts as correct if every output is within 0.5 of its target.

    Args:
      length: T, in steps.
      channels: D = K, the number of bits to hold.
      pulses: the probability of a pulse per channel and step.
    """

    def sample(key):
        key_pulse, key_sign = jax.random.split(key)
        shape = length, channels
        pulse = jax.random.bernoulli(key_pulse, pulses, shape).at[0].set(True)
        xs = jnp.where(pulse, 2.0 * jax.random.bernoulli(key_sign, 0.5, shape) - 1, 0.0)

        def hold(bits, x):
            bits = jnp.where(x == 0, bits, x)
            return bits, bits

        _, targets = jax.lax.scan(hold, xs[0], xs)
        return Sequence(xs, targets, jnp.ones(length), jnp.ones(length, bool))

    return drawn(
        sample,
        output_size=channels,
        loss=SQUARED_ERROR,
        baselines={"zero": lambda batch: jnp.zeros_like(batch.targets)},
        memory=MemoryTask(lambda ys, batch: (jnp.abs(ys - batch.targets) < 0.5).all(axis=(0, 2)), lags=(0, length - 1)),
    )
