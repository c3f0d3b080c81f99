"""Tasks of long lags: those of Hochreiter & Schmidhuber 1997, sections 5.2 and 5.3, and a symbol before noise."""

import jax
import jax.numpy as jnp

from jaxrnn.data._sequences import Sequence, drawn, uniform
from jaxrnn.losses import cross_entropy, squared_error

SURE = 0.75  # probability that the next symbol must have: an error below 0.25


def symbols(lag, between="ordered", weight=1.0):
    """The first symbol, x or y, is the last one too; `lag` - 1 others stand between (experiments 2a, 2b and 2c).

    The output is the next symbol. A sequence is right where each symbol that can be known has at least 0.75.

    Args:
      lag: p.
      between: "ordered": a_1 ... a_{p-1}, experiment 2a; "random": drawn from them, 2b, where the last step alone
        counts; "noise": after p random ones more follow, each with probability 0.9, and an end symbol, 2c.
      weight: of the last step in the loss, beside 1 for each other that counts.
    """
    others = lag - 1 if between != "noise" else lag
    first, end = others, others + 2  # x and y are `first` and `first` + 1
    classes = others + 2 + (between == "noise")
    longest = lag if between != "noise" else lag + 62  # one in 500 would be longer, and ends there

    def sample(key):
        key_first, key_between, key_more = jax.random.split(key, 3)
        kept = first + jax.random.bernoulli(key_first).astype(int)
        times = jnp.arange(longest + 1)
        drawn_ones = jax.random.randint(key_between, (longest + 1,), 0, others)
        string = jnp.where(between == "ordered", times - 1, drawn_ones).at[0].set(kept)
        if between == "noise":
            more = jnp.log(jax.random.uniform(key_more, minval=1e-9)) / jnp.log(0.9)
            last = jnp.minimum(lag + 1 + more.astype(int), longest - 1)
            string = jnp.where(times == last, end, string)
        else:
            last = lag - 1
        string = jnp.where(times == last + 1, kept, string)
        asked = times[:-1] <= last if between == "ordered" else times[:-1] == last
        weights = asked * jnp.where(times[:-1] == last, weight, 1.0)
        return Sequence(jax.nn.one_hot(string[:-1], classes), string[1:, None], weights, times[:-1] <= last)

    def right(logits, batch):
        chance = jnp.take_along_axis(jax.nn.softmax(logits), batch.targets.astype(int), axis=-1)[..., 0]
        return ((chance > SURE) | (batch.weights == 0)).all(axis=0)

    return drawn(sample, classes, cross_entropy, uniform(classes), right, (lag, longest), "cross-entropy (nats)",
                 "uniform")  # fmt: skip


def two_classes(length, told, noise=0.0, target_noise=0.0):
    """Which of two classes the first steps show, noise after them (experiments 3a, 3b and 3c).

    The first `told` steps are 1 or -1, with noise of variance `noise`; the others are noise of variance 0.2. The target
    at the last step is 1 or 0, or 0.8 and 0.2 with noise of variance `target_noise`. A sequence is right where the
    output is on its class's side of a half.

    Args:
      length, told: T and N.
      noise, target_noise: variances.
    """
    targets = (0.0, 1.0) if target_noise == 0 else (0.2, 0.8)

    def sample(key):
        key_class, key_noise, key_target = jax.random.split(key, 3)
        which = jax.random.bernoulli(key_class)
        times = jnp.arange(length)
        variance = jnp.where(times < told, noise, 0.2)
        xs = (2.0 * which - 1) * (times < told) + jnp.sqrt(variance) * jax.random.normal(key_noise, (length,))
        y = jnp.where(which, targets[1], targets[0])
        y_seen = y + jnp.sqrt(target_noise) * jax.random.normal(key_target)
        ends = 1.0 * (times == length - 1)
        return Sequence(xs[:, None], jnp.stack([y_seen, y]) * jnp.ones((length, 1)), ends, jnp.ones(length, bool))

    def loss(ys, seen):
        return squared_error(ys, seen[..., :1])

    def right(ys, batch):
        return (ys[-1, :, 0] > 0.5) == (batch.targets[-1, :, 1] > 0.5)

    def half(batch):
        return jnp.full_like(batch.targets[..., :1], 0.5)

    lags = (length - told, length)
    return drawn(sample, 1, loss, half, right, lags, "squared error", "a half")


def symbol_before_noise(length, symbols, noise):
    """One of so many symbols at the first step, noise at all steps; the symbol is asked for at the last one.

    Args:
      length: T.
      symbols: how many there are.
      noise: standard deviation of the inputs.
    """

    def sample(key):
        key_which, key_noise = jax.random.split(key)
        which = jax.random.randint(key_which, (), 0, symbols)
        xs = noise * jax.random.normal(key_noise, (length, symbols))
        xs = xs.at[0].set(2 * jax.nn.one_hot(which, symbols))
        asked = 1.0 * (jnp.arange(length) == length - 1)
        return Sequence(xs, jnp.full((length, 1), which), asked, jnp.ones(length, bool))

    def right(logits, batch):
        return jnp.argmax(logits[-1], axis=-1) == batch.targets[-1, :, 0]

    return drawn(sample, symbols, cross_entropy, uniform(symbols), right, (length, length), "cross-entropy (nats)",
                 "uniform")  # fmt: skip
