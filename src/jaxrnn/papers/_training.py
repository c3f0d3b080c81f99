"""Many networks of one kind, trained together."""

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
    """The `Task` of one layer of a cell and a readout.

    Args:
      cell: a `Cell`.
      dataset: a `Dataset`.
      trainer: a `Trainer`.
      rule: an Optax transformation without a learning rate; None for Adam.
      learning_rate, clip_norm: as of `jaxrnn.optimizers.optimizer`.
      regularizer: as of `Task`.
      options: of `jaxrnn.nets.rnn`.
    """
    net = rnn(cell, dataset.output_size, **options).unrolled(deferred.unroll())
    rule = optax.scale_by_adam() if rule is None else rule
    return Task(net, dataset, optimizer(rule, learning_rate, clip_norm), trainer, regularizer)


def losses(make, seeds, values=None):
    """Validation losses while N networks are trained.

    Args:
      make: a `Task`, or a function of a value that makes one.
      seeds: the networks have the seeds 0 ... seeds - 1, at each value the same.
      values: floats, which `make` is called with; None for networks that differ in their seeds alone.

    Returns:
      (steps [R], losses [R, N] at the reports); a network that diverged keeps NaN from there on. With values losses are
      [R, values, seeds].
    """
    steps, found, _ = losses_and_rows(make, seeds, values)
    return steps, found if values is None else found.reshape(len(steps), len(values), seeds)


def trained(make, seeds, values=None):
    """The same networks after training: a `jaxrnn.training.loop.Training`, whose rows are values by seeds."""
    return losses_and_rows(make, seeds, values)[2]


def losses_and_rows(make, seeds, values=None):
    """(steps [R], losses [R, N], the `Training` after it), as of `losses` and `trained`."""
    numbers = np.tile(np.arange(seeds, dtype=np.uint32), 1 if values is None else len(values))
    given = None if values is None else np.repeat(np.asarray(values, np.float32), seeds)
    first = make if values is None else make(given[0])
    group = engine.group((lambda _: make) if values is None else make, numbers, given)
    training = begun(first, group, [History(first.trainer.steps) for _ in numbers])
    steps, found = [], []
    for _ in train(training):
        steps.append(max(history.step for history in training.rows))
        found.append([history.losses.get("validation", np.nan) for history in training.rows])
    return np.array(steps), np.array(found), training


def last(found, reports=3):
    """The medians [...] of the last so many losses [R, ...]."""
    return np.median(found[-reports:], axis=0)


def shown(trainer: Trainer):
    """A trainer as settings."""
    return {"updates": trainer.steps, "batch": trainer.batch_size}
