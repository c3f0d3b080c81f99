"""Synthetic tasks: an unlimited number of sequences, drawn from a key on the device. Each task builds on `drawn`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.losses import squared_error
from jaxrnn.types import Batch, Dataset

HELD_OUT = {"validation": 512, "test": 2560}  # numbers of sequences; 2560 as in Hochreiter & Schmidhuber 1997


class Sequence(NamedTuple):
    """One sequence with its targets.

    Fields:
      xs: [T, D].
      targets: [T, K].
      weights: [T], the weight of each step in the loss.
      mask: [T], true for the valid steps.
    """

    xs: jax.Array
    targets: jax.Array
    weights: jax.Array
    mask: jax.Array


def drawn(sample, output_size, loss, trivial, solved, lags, loss_name, trivial_name, targets="per_step"):
    """Builds a data set that draws new sequences for every update; validation and test sequences are drawn once.

    Args:
      sample: key -> `Sequence`, always with the same shapes.
      output_size: K of the outputs.
      loss, solved, lags, loss_name, targets: as in `Dataset`.
      trivial, trivial_name: the baseline and its name.
    """

    def plan(key, steps, batch_size):
        return jax.vmap(lambda step: jax.random.split(jax.random.fold_in(key, step), batch_size))(steps)

    def batch(arrays, keys):
        rows = Sequence(*(jnp.moveaxis(a, 0, 1) for a in jax.vmap(sample)(keys)))
        return Batch(*rows[:3], fresh=jnp.ones(len(keys), bool), mask=rows.mask)

    held_out = jax.jit(lambda key: batch((), jax.random.split(key, sum(HELD_OUT.values()))))(jax.random.key(1))
    ends = np.cumsum([0, *HELD_OUT.values()])
    splits = {
        name: held_out._replace(
            **{field: getattr(held_out, field)[:, start:end] for field in Sequence._fields},
            fresh=held_out.fresh[start:end],
        )
        for name, start, end in zip(HELD_OUT, ends, ends[1:], strict=False)
    }
    return Dataset(
        input_size=splits["test"].xs.shape[-1],
        output_size=output_size,
        rows=None,
        arrays=(),
        plan=plan,
        batch=batch,
        splits=splits,
        loss=loss,
        baselines={trivial_name: trivial},
        solved=solved,
        lags=lags,
        loss_name=loss_name,
        targets=targets,
    )


def uniform(classes):
    """Returns Batch -> ys [T, B, K]: the same logit for each of K classes."""
    return lambda batch: jnp.zeros((*batch.xs.shape[:-1], classes))


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
        loss=squared_error,
        trivial=lambda batch: jnp.full_like(batch.targets, mean),
        solved=solved,
        lags=(length - length // 2 + 1, longest - 1),
        loss_name="mean squared error",
        trivial_name="mean target",
        targets="per_sequence",
    )
