"""Training of many networks of one kind together."""

import numpy as np
import optax

from jaxrnn.nets import rnn
from jaxrnn.optimizers import optimizer
from jaxrnn.training import engine
from jaxrnn.training.history import History
from jaxrnn.training.loop import begun, train
from jaxrnn.training.update import Task, Trainer
from jaxrnn.unroll import deferred


def task(cell, dataset, trainer, *, rule=None, learning_rate=1e-3, clip_norm=1.0, regularizer=None, **options):
    """Makes the `Task` of one layer of a cell and a readout.

    Args:
      cell: a `Cell`.
      dataset: a `Dataset`.
      trainer: a `Trainer`.
      rule: an Optax transformation without a learning rate; None for Adam.
      learning_rate, clip_norm: as in `jaxrnn.optimizers.optimizer`.
      regularizer: as in `Task`.
      options: options of `jaxrnn.nets.rnn`.
    """
    net = rnn(cell, dataset.output_size, **options).with_unroll(deferred.unroll())
    rule = optax.scale_by_adam() if rule is None else rule
    return Task(net, dataset, optimizer(rule, learning_rate, clip_norm), trainer, regularizer)


def losses(make, seeds, values=None):
    """Trains N networks and returns their validation losses.

    Args:
      make: a `Task`, or a function from a value to a `Task`.
      seeds: the networks have the seeds 0 ... seeds - 1, the same for each value.
      values: floats passed to `make`; None for networks that differ only in their seeds.

    Returns:
      (steps [R], losses [R, N] at the reports). A network that diverged has NaN from there on. With `values` the losses
      are [R, values, seeds].
    """
    steps, losses_by_run, _ = losses_and_rows(make, seeds, values)
    return steps, losses_by_run if values is None else losses_by_run.reshape(len(steps), len(values), seeds)


def trained(make, seeds, values=None):
    """Trains the same networks; returns the finished `jaxrnn.training.loop.Training`, its rows values by seeds."""
    return losses_and_rows(make, seeds, values)[2]


def losses_and_rows(make, seeds, values=None):
    """Trains networks; returns (steps [R], losses [R, N], the finished `Training`), as in `losses` and `trained`."""
    numbers = np.tile(np.arange(seeds, dtype=np.uint32), 1 if values is None else len(values))
    value_of_run = None if values is None else np.repeat(np.asarray(values, np.float32), seeds)
    first = make if values is None else make(value_of_run[0])
    group = engine.group((lambda _: make) if values is None else make, numbers, value_of_run)
    training = begun(first, group, [History(first.trainer.steps) for _ in numbers])
    steps, losses_by_report = [], []
    for _ in train(training):
        steps.append(training.last_step())
        losses_by_report.append([history.losses.get("validation", np.nan) for history in training.rows])
    return np.array(steps), np.array(losses_by_report), training


def last(losses_by_report, reports=3):
    """Returns the medians [...] of the last `reports` losses [R, ...]."""
    return np.median(losses_by_report[-reports:], axis=0)


def settings(trainer: Trainer):
    """Returns the settings of a trainer for a report."""
    return {"updates": trainer.steps, "batch": trainer.batch_size}
