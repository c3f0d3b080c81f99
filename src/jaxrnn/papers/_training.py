"""Training of many networks of one kind together."""

import numpy as np
import optax

from jaxrnn.nets import rnn
from jaxrnn.optimizers import optimizer
from jaxrnn.training.ensemble import ensemble_training, network_seeds
from jaxrnn.training.loop import train
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


def losses(task, seeds):
    """Trains N networks and returns their validation losses.

    Args:
      task: a `Task`.
      seeds: N; the networks have the seeds 0 ... N - 1.

    Returns:
      (steps [R], losses [R, N] at the reports). A network that diverged has NaN from there on.
    """
    return train_and_record(task, seeds)[:2]


def losses_by_value(make, seeds, values):
    """Trains N networks per value; returns (steps [R], losses [R, values, N]), as in `losses`.

    Args:
      make: a function from a value to a `Task`.
      seeds: N, the same seeds for each value.
      values: floats passed to `make`.
    """
    steps, losses_by_run, _ = train_and_record(make, seeds, values)
    return steps, losses_by_run.reshape(len(steps), len(values), seeds)


def losses_by_kind(cells, dataset, trainer, seeds, **options):
    """Trains N networks of each cell of {name: cell} on one data set: {name: (steps [R], losses [R, N])}.

    `options` are those of `task`.
    """
    return {name: losses(task(cell, dataset, trainer, **options), seeds) for name, cell in cells.items()}


def train_networks(make, seeds, values=None):
    """Trains the same networks; returns the finished `jaxrnn.training.loop.Training`, its rows values by seeds."""
    return train_and_record(make, seeds, values)[2]


def train_and_record(make, seeds, values=None):
    """Trains networks; returns (steps [R], losses [R, N], the finished `Training`), one row per value and seed.

    Args:
      make: a `Task`, or a function from a value to a `Task`.
      seeds: the networks have the seeds 0 ... seeds - 1, the same for each value.
      values: floats passed to `make`; None for networks that differ only in their seeds.
    """
    training = ensemble_training(make, network_seeds(0, seeds), values, ("validation",))
    steps, losses_by_report = [], []
    for _ in train(training):
        steps.append(training.last_step())
        losses_by_report.append([history.losses.get("validation", np.nan) for history in training.rows])
    return np.array(steps), np.array(losses_by_report), training


def solved(history):
    """Returns the share of the validation sequences that are right at the end; 0 for a network that diverged."""
    if history.status == "diverged":
        return 0.0
    return history.table.where(split="validation").rows[-1]["solved"]


def last(losses_by_report, reports=3):
    """Returns the medians [...] of the last `reports` losses [R, ...]."""
    return np.median(losses_by_report[-reports:], axis=0)


def settings(trainer: Trainer):
    """Returns the settings of a trainer for a report."""
    return {"updates": trainer.steps, "batch": trainer.batch_size}
