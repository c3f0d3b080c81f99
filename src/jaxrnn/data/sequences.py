"""Synthetic tasks: an unlimited number of sequences, drawn from a key on the device. Each task builds on `drawn`."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.batch import Batch
from jaxrnn.dataset import Dataset, Loss, MemoryTask, Predictor, TrainingSet

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


def drawn(
    sample: Callable[[jax.Array], Sequence],
    output_size: int,
    loss: Loss,
    baselines: dict[str, Predictor],
    memory: MemoryTask = MemoryTask(),
    targets: Literal["per_step", "per_sequence", "next_step"] = "per_step",
) -> Dataset:
    """Builds a data set that draws new sequences for every update; validation and test sequences are drawn once.

    Args:
      sample: key -> `Sequence`, always with the same shapes; traceable by JAX.
      output_size: K of the outputs.
      loss, baselines, memory, targets: as in `Dataset`.
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
        train=TrainingSet(None, (), plan, batch),
        splits=splits,
        loss=loss,
        baselines=baselines,
        targets=targets,
        memory=memory,
    )


def uniform(classes: int) -> Predictor:
    """Returns Batch -> ys [T, B, K]: the same logit for each of K classes."""

    def predict(batch: Any) -> jax.Array:
        return jnp.zeros((*batch.xs.shape[:-1], classes))

    return predict
