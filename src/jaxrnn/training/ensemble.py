"""Trainings of networks that differ in their seeds, and in float values of their tasks, in one compiled program."""

import jax.numpy as jnp
import numpy as np

from jaxrnn.training import engine
from jaxrnn.training.history import History
from jaxrnn.training.loop import begin


def ensemble_training(make, seeds, values=None, measured=()):
    """Returns the `jaxrnn.training.loop.Training` of N networks per value, before the first update.

    Args:
      make: a `Task`, or a function from a value to a `Task`.
      seeds: [N], seeds of the networks, the same for every value.
      values: floats passed to `make`; None for networks that differ only in their seeds.
      measured: names of the splits to evaluate at every report.

    Returns:
      A `Training` whose rows are values by seeds.
    """
    value_of_run = None if values is None else np.repeat(np.asarray(values, jnp.result_type(float)), len(seeds))
    seeds = np.tile(seeds, 1 if values is None else len(values))
    task = make if value_of_run is None else make(value_of_run[0])
    group = engine.group((lambda _: make) if values is None else make, seeds, value_of_run, measured)
    return begin(task, group, [History(task.trainer.steps) for _ in seeds])


def network_seeds(first, networks):
    """Returns the seeds first, first + 1, ... [N] of networks that differ only in their seed."""
    return np.arange(first, first + networks, dtype=np.uint32)
