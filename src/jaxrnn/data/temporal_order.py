"""Temporal order: the class of a sequence is the order of two or three symbols, far apart among distractors."""

from typing import Literal

import jax
import jax.numpy as jnp

from jaxrnn.arguments import checked
from jaxrnn.data.sequences import Sequence, drawn, uniform
from jaxrnn.dataset import Dataset, MemoryTask
from jaxrnn.losses import CROSS_ENTROPY, cross_entropy
from jaxrnn.types import Size

DISTRACTORS, X, E, B, SYMBOLS = 4, 4, 6, 7, 8  # a b c d, X and Y = X + 1, first symbol E, last symbol B
RANGES = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}  # in a sequence of 100 steps


@checked
def dataset(length: Size = 100, symbols: Literal[2, 3] = 2) -> Dataset:
    """One-hot symbols; one of 4 or 8 classes is predicted at the last step.

    Hochreiter & Schmidhuber 1997, tasks 6a and 6b. A sequence consists of E, distractors and B. The two or three
    relevant symbols, X or Y, are in the steps 10-20 and 50-60, or 10-20, 33-43 and 66-76, of 100; these ranges grow
    with the length. A sequence counts as correct if its class has a probability of at least 0.7: for a softmax, this
    replaces the paper's "every output within 0.3".

    Args:
      length: T, the shortest sequence, in steps; lengths are drawn from T to 1.1 T.
      symbols: the number of relevant symbols.

    Raises:
      ValueError: if the sequences are shorter than 20 steps.
    """
    if length < 20:
        raise ValueError(f"data.length={length} must be at least 20 steps, to separate the relevant symbols")
    longest, classes = length + length // 10, 2**symbols
    ranges = [(start * length // 100, stop * length // 100) for start, stop in RANGES[symbols]]

    def sample(key):
        times = jnp.arange(longest)
        key_length, key_noise, key_class, *keys = jax.random.split(key, 3 + symbols)
        end = jax.random.randint(key_length, (), length, longest + 1) - 1
        label = jax.random.randint(key_class, (), 0, classes)
        sequence = jax.random.randint(key_noise, (longest,), 0, DISTRACTORS)
        for number, (step_key, (start, stop)) in enumerate(zip(keys, ranges, strict=True)):
            step = jax.random.randint(step_key, (), start, stop + 1)
            sequence = sequence.at[step].set(X + (label >> number) % 2)
        sequence = jnp.where(times == 0, E, jnp.where(times == end, B, sequence))
        xs = jax.nn.one_hot(sequence, SYMBOLS)
        return Sequence(xs, jnp.full((longest, 1), label), 1.0 * (times == end), mask=times <= end)

    def solved(logits, batch):
        likely = cross_entropy(logits, batch.targets) <= -jnp.log(0.7)
        return (likely | (batch.weights == 0)).all(axis=0)

    return drawn(
        sample,
        output_size=classes,
        loss=CROSS_ENTROPY,
        baselines={"uniform": uniform(classes)},
        memory=MemoryTask(solved, lags=(length - ranges[-1][1] - 1, longest - 1 - ranges[0][0])),
        targets="per_sequence",
    )
