"""Tasks with long lags from Hochreiter & Schmidhuber 1997, sections 5.2 and 5.3, and a symbol before noise."""

import jax
import jax.numpy as jnp

from jaxrnn.data.sequences import Sequence, drawn, uniform
from jaxrnn.dataset import Loss, MemoryTask
from jaxrnn.losses import CROSS_ENTROPY, squared_error

SURE = 0.75  # probability that the true next symbol needs, an error below 0.25


def symbols(lag, between="ordered", weight=1.0):
    """Task to remember the first symbol, x or y: the last symbol is the same, with `lag` - 1 others between.

    These are experiments 2a, 2b and 2c. The output is the next symbol. A sequence is right if every predictable symbol
    has a probability of at least 0.75.

    Args:
      lag: p.
      between: the symbols between. "ordered": a_1 ... a_{p-1} (2a). "random": drawn from these; only the last step
        counts (2b). "noise": after p random symbols another follows with probability 0.9 each time, then an end symbol
        (2c).
      weight: weight of the last step in the loss; every other step that counts has weight 1.
    """
    others = lag - 1 if between != "noise" else lag
    first, end = others, others + 2  # x and y are `first` and `first` + 1
    classes = others + 2 + (between == "noise")
    longest = lag if between != "noise" else lag + 62  # cuts one string in 500

    def sample(key):
        key_first, key_between, key_more = jax.random.split(key, 3)
        remembered = first + jax.random.bernoulli(key_first).astype(int)
        times = jnp.arange(longest + 1)
        random_symbols = jax.random.randint(key_between, (longest + 1,), 0, others)
        string = jnp.where(between == "ordered", times - 1, random_symbols).at[0].set(remembered)
        if between == "noise":
            extra = jnp.log(jax.random.uniform(key_more, minval=1e-9)) / jnp.log(0.9)
            last = jnp.minimum(lag + 1 + extra.astype(int), longest - 1)
            string = jnp.where(times == last, end, string)
        else:
            last = lag - 1
        string = jnp.where(times == last + 1, remembered, string)
        counted = times[:-1] <= last if between == "ordered" else times[:-1] == last
        weights = counted * jnp.where(times[:-1] == last, weight, 1.0)
        return Sequence(jax.nn.one_hot(string[:-1], classes), string[1:, None], weights, times[:-1] <= last)

    def right(logits, batch):
        probability = jnp.take_along_axis(jax.nn.softmax(logits), batch.targets.astype(int), axis=-1)[..., 0]
        return ((probability > SURE) | (batch.weights == 0)).all(axis=0)

    return drawn(sample, classes, CROSS_ENTROPY, {"uniform": uniform(classes)}, MemoryTask(right, (lag, longest)))


def two_classes(length, informative_steps, noise=0.0, target_noise=0.0):
    """Task to tell two classes by the first steps; noise follows (experiments 3a, 3b and 3c).

    The first `informative_steps` steps are 1 or -1 plus noise of variance `noise`; the others are noise of variance
    0.2. The target at the last step is 1 or 0; with `target_noise` it is 0.8 or 0.2 plus noise of that variance. A
    sequence is right if the output is on its class's side of 0.5.

    Args:
      length, informative_steps: T and N.
      noise, target_noise: variances.
    """
    targets = (0.0, 1.0) if target_noise == 0 else (0.2, 0.8)

    def sample(key):
        key_class, key_noise, key_target = jax.random.split(key, 3)
        is_first = jax.random.bernoulli(key_class)
        times = jnp.arange(length)
        variance = jnp.where(times < informative_steps, noise, 0.2)
        xs = (2.0 * is_first - 1) * (times < informative_steps) + jnp.sqrt(variance) * jax.random.normal(
            key_noise, (length,)
        )
        y = jnp.where(is_first, targets[1], targets[0])
        noisy_y = y + jnp.sqrt(target_noise) * jax.random.normal(key_target)
        ends = 1.0 * (times == length - 1)
        return Sequence(xs[:, None], jnp.stack([noisy_y, y]) * jnp.ones((length, 1)), ends, jnp.ones(length, bool))

    def loss(ys, noisy_and_true):
        return squared_error(ys, noisy_and_true[..., :1])

    def right(ys, batch):
        return (ys[-1, :, 0] > 0.5) == (batch.targets[-1, :, 1] > 0.5)

    def half(batch):
        return jnp.full_like(batch.targets[..., :1], 0.5)

    memory = MemoryTask(right, lags=(length - informative_steps, length))
    return drawn(sample, 1, Loss(loss, "squared error"), {"a half": half}, memory)


def symbol_before_noise(length, symbols, noise):
    """Task to remember a symbol: it is the input of the first step, and the target of the last one; all inputs have
    noise.

    Args:
      length: T.
      symbols: number of symbols.
      noise: standard deviation of the inputs' noise.
    """

    def sample(key):
        key_which, key_noise = jax.random.split(key)
        symbol = jax.random.randint(key_which, (), 0, symbols)
        xs = noise * jax.random.normal(key_noise, (length, symbols))
        xs = xs.at[0].set(2 * jax.nn.one_hot(symbol, symbols))
        counted = 1.0 * (jnp.arange(length) == length - 1)
        return Sequence(xs, jnp.full((length, 1), symbol), counted, jnp.ones(length, bool))

    def right(logits, batch):
        return jnp.argmax(logits[-1], axis=-1) == batch.targets[-1, :, 0]

    return drawn(sample, symbols, CROSS_ENTROPY, {"uniform": uniform(symbols)}, MemoryTask(right, (length, length)))
