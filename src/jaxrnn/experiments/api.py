"""Training and loading from Python: nets, data sets and optimizers as objects, or an experiment."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optax

from jaxrnn import atomic, optimizers, runtime
from jaxrnn.experiments import folders, locks, saved
from jaxrnn.experiments.build import Experiment
from jaxrnn.experiments.files import record
from jaxrnn.nets import adapted
from jaxrnn.optimizers import as_optimizer
from jaxrnn.training import single_run as training
from jaxrnn.training.checkpoints import Checkpointing
from jaxrnn.training.run import Run
from jaxrnn.training.update import Task, Trainer
from jaxrnn.types import Dataset, Net, Unroll
from jaxrnn.unroll import deferred


def fit(net: Net | Experiment, dataset: Dataset | None = None, *, steps: int | None = None,
        batch_size: int | None = None, learning_rate: float | None = None, optimizer: Any = None,
        clip_norm: float | None = None, report_every: int | None = None, precision: str = "f32", seed: int = 0,
        folder: str | Path | None = None, unroll: Unroll | None = None, callbacks: Sequence[Callable[..., Any]] = (),
        probes: dict[str, Any] | None = None, metrics: dict[str, Callable[..., Any]] | None = None,
        regularizer: Any = None, checkpointing: Checkpointing = Checkpointing()) -> Run:  # fmt: skip
    """Trains a network.

        net = jaxrnn.rnn(lstm.cell(16), output_size=1)
        result = jaxrnn.fit(net, sine.dataset(), steps=36_000, batch_size=1, learning_rate=1e-3)
        result.params, result.history, result.metrics

    `jaxrnn.runtime.prepare()` as the first line of all lets it compute on every core, and keeps compiled programs.

    Args:
      net: a `Net`; or an `Experiment`, which has all of the following but `folder` already.
      dataset: a `Dataset`.
      steps: updates.
      batch_size: B, sequences an update.
      learning_rate: of Adam; give this or an optimizer.
      optimizer: any Optax transformation, or what `jaxrnn.optimizers.optimizer` gives.
      clip_norm: with `learning_rate`, the largest global norm of the gradient; None for no clipping.
      report_every: updates between two reports; None for a hundredth of the steps.
      precision: of the products: "f32", "bf16" or "f64".
      seed: of all that is drawn.
      folder: a run folder for metrics, checkpoints and summary; the same call goes on where it was cut off.
      unroll: what an `unroll` of `jaxrnn.unroll` gives; None for `deferred`.
      callbacks: functions of a `training.callbacks.Progress`, called at every report; a text that one returns ends it.
      probes: {name: probe}, such as `jaxrnn.studies.gates.probe()`; they write into the folder.
      metrics: {name: (ys, Batch) -> a number}, reported beside the loss.
      regularizer: such as `jaxrnn.training.flossing(3)`.
      checkpointing: a `jaxrnn.training.Checkpointing`.

    Returns:
      A `jaxrnn.training.Run`.

    Raises:
      TypeError: if something is missing, or given twice.
      ConfigError: if something does not fit, the folder holds another run, or another process trains in it.
      OSError: if something cannot be written.
    """
    if isinstance(net, Experiment):
        return _fit_experiment(net, folder)
    if None in (steps, batch_size) or dataset is None:
        raise TypeError("fit(net, dataset, steps=..., batch_size=..., learning_rate=...) needs all of these")
    runtime.set_precision(precision)
    trainer = Trainer(steps, batch_size, report_every or max(1, steps // 100), precision)
    net = adapted(net.unrolled(deferred.unroll() if unroll is None else unroll), dataset)
    task = Task(net, dataset, _optimizer(optimizer, learning_rate, clip_norm), trainer, regularizer, metrics or {})
    return _fit_task(task, seed, folder, checkpointing=checkpointing, callbacks=callbacks, probes=probes)


def _fit_task(task, seed, folder, **given):
    with _locked(folder):
        return _recorded(training.fit(task, seed, folder, **given), folder, {})


def _locked(folder):
    return contextlib.nullcontext() if folder is None else locks.Lock(folder)


def _recorded(run, folder, cfg):
    if folder is not None:
        record(folder, cfg, run.summary())
    return run


def _optimizer(optimizer, learning_rate, clip_norm):
    if (learning_rate is None) == (optimizer is None):
        raise TypeError("fit needs one of learning_rate=..., for Adam, and optimizer=...")
    if optimizer is not None:
        return as_optimizer(optimizer)
    return optimizers.optimizer(optax.scale_by_adam(), learning_rate, clip_norm)


def _fit_experiment(experiment, folder):
    from jaxrnn.experiments.hydra_internals import to_yaml

    with _locked(folder):
        if folder is not None:
            folders.refuse_another(folder, experiment.cfg)
            file = saved.file(folder)
            file.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(file, to_yaml(experiment.cfg))
        run = folders.fit_experiment(experiment, None if folder is None else Path(folder))
        return _recorded(run, folder, experiment.cfg)


def load(
    folder: str | Path, net: Net | None = None, dataset: Dataset | None = None, trusted: Sequence[str] = ()
) -> Run:
    """The trained network of a run folder, a `jaxrnn.training.Run`.

    Args:
      folder: a run folder.
      net, dataset: of a run of objects made in Python; a run with a configuration needs neither.
      trusted: modules of your own, and files outside the folder and the working directory, that the run's configuration
        may use; all else that it calls must be jaxrnn's or Optax's.

    Raises:
      TypeError: if only one of net and dataset is given.
      ConfigError: if the folder is none, holds no checkpoint, or the checkpoint is of another net.
    """
    if (net is None) != (dataset is None):
        raise TypeError("load(folder, net, dataset) needs both; load(folder) takes them from the run's configuration")
    if net is None:
        return folders.load(folder, trusted)
    return folders.load_python(folder, net, dataset)
