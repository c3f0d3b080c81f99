"""Training and loading from Python: nets, data sets and optimizers as objects, or an experiment."""

import contextlib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optax

from jaxrnn import atomic, optimizers
from jaxrnn.arguments import checked, refuse_factory
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import folders, locks, saved
from jaxrnn.experiments.build import Experiment
from jaxrnn.experiments.files import record
from jaxrnn.nets import adapted
from jaxrnn.optimizers import Optimizer, as_optimizer
from jaxrnn.precision import as_computed, computing
from jaxrnn.training import compatibility
from jaxrnn.training import single_run as training
from jaxrnn.training.checkpoints import Checkpointing
from jaxrnn.training.run import Run
from jaxrnn.training.update import Precision, Task, Trainer
from jaxrnn.types import Dataset, Net, Positive, Seed, Size, Unroll
from jaxrnn.unroll import deferred


@checked
def fit(net: Net | Experiment, dataset: Dataset | None = None, *, steps: Size | None = None,
        batch_size: Size | None = None, learning_rate: Positive | None = None, optimizer: Any = None,
        clip_norm: Positive | None = None, report_every: Size | None = None, precision: Precision = "f32",
        seed: Seed = 0, folder: str | Path | None = None, unroll: Unroll | None = None,
        callbacks: Sequence[Callable[..., Any]] = (), probes: dict[str, Any] | None = None,
        metrics: dict[str, Callable[..., Any]] | None = None, regularizer: Callable[..., Any] | None = None,
        checkpointing: Checkpointing = Checkpointing()) -> Run:  # fmt: skip
    """Trains a network.

        net = jaxrnn.rnn(lstm.cell(16), output_size=1)
        result = jaxrnn.fit(net, sine.dataset(), steps=36_000, batch_size=1, learning_rate=1e-3)
        result.params, result.history, result.metrics

    `jaxrnn.runtime.prepare()` as the first line of all lets it compute on every core, and keeps compiled programs.

    Args:
      net: a `Net`; or an `Experiment`, which has all of the following but `folder` already.
      dataset, steps: a `Dataset`; updates.
      batch_size: B, sequences an update.
      learning_rate: of Adam; give this or an optimizer.
      optimizer: any Optax transformation, or what `jaxrnn.optimizers.optimizer` gives.
      clip_norm: the largest global norm of the gradient, clipped before the optimizer; None for no clipping.
      report_every: updates between two reports; None for a hundredth of the steps.
      precision: of the products: "f32", "bf16" or "f64".
      seed: of all that is drawn.
      folder: a run folder for metrics, checkpoints and summary; the same call goes on where it was cut off.
      unroll: what an `unroll` of `jaxrnn.unroll` gives; None for `deferred`.
      callbacks: functions of a `training.callbacks.Progress`, called at every report; one ends the run by a text.
      probes: {name: probe}, such as `jaxrnn.studies.gates.probe()`; they write into the folder.
      metrics: {name: (ys, Batch) -> a number}, reported beside the loss.
      regularizer, checkpointing: such as `jaxrnn.training.flossing(3)`; a `jaxrnn.training.Checkpointing`.

    Returns:
      A `jaxrnn.training.Run`.

    Raises:
      TypeError: if something is missing, or given twice.
      ConfigError: if something does not fit, or the folder holds another run or is another process's.
      OSError: if something cannot be written.
    """
    if isinstance(net, Experiment):
        _refuse_given(locals())
        return _fit_experiment(net, folder)
    if None in (steps, batch_size) or dataset is None:
        raise TypeError("fit(net, dataset, steps=..., batch_size=..., learning_rate=...) needs all of these")
    optimizer = _optimizer(optimizer, learning_rate, clip_norm)
    trainer = Trainer(steps, batch_size, report_every or max(1, steps // 100), precision)
    with computing(precision):
        task = _task(net, dataset, optimizer, trainer, unroll, regularizer, metrics)
        return _fit_task(task, seed, folder, checkpointing=checkpointing, callbacks=callbacks, probes=probes)


def _fit_task(task, seed, folder, **options):
    compatibility.check(task, **options)
    if options["probes"] and folder is None:
        raise ConfigError("probes: they write into a run folder; give folder=...")
    with _locked(folder):
        return _recorded(training.fit_checked(task, seed, folder, **options), folder, {})


def _task(net, dataset, optimizer, trainer, unroll=None, regularizer=None, metrics=None):
    """The `Task` of objects made in Python, its arrays as JAX computes here."""
    refuse_factory(unroll, "unroll")
    splits = {name: as_computed(batch) for name, batch in dataset.splits.items()}
    dataset = dataset._replace(arrays=as_computed(dataset.arrays), splits=splits)
    net = adapted(net.unrolled(deferred.unroll() if unroll is None else unroll), dataset)
    init = net.init
    net = net._replace(init=lambda key, input_size: as_computed(init(key, input_size)))
    return Task(net, dataset, optimizer, trainer, regularizer, metrics or {})


def _refuse_given(arguments):
    """Refuses what an experiment has already."""
    parameters = inspect.signature(fit).parameters
    more = [name for name in parameters if name not in ("net", "folder")]
    if given := [name for name in more if arguments[name] != parameters[name].default]:
        raise ConfigError(f"{given[0]}: an experiment has it already; give it to jaxrnn.experiment(...) as an override")


def _locked(folder):
    return contextlib.nullcontext() if folder is None else locks.Lock(folder)


def _recorded(run, folder, cfg):
    if folder is not None:
        record(folder, cfg, run.summary())
    return run


def _optimizer(optimizer, learning_rate, clip_norm):
    if (learning_rate is None) == (optimizer is None):
        raise TypeError("fit needs one of learning_rate=..., for Adam, and optimizer=...")
    if optimizer is None:
        return optimizers.optimizer(optax.scale_by_adam(), learning_rate, clip_norm)
    if clip_norm is None:
        return as_optimizer(optimizer)
    if isinstance(optimizer, Optimizer):
        raise ConfigError("clip_norm: the optimizer clips by itself; give clip_norm to jaxrnn.optimizers.optimizer")
    return Optimizer(optimizers.clip_by_global_norm(clip_norm), as_optimizer(optimizer).rule, clip_norm)


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


@checked
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
    checkpoints = folders.checkpoints(folder)
    settings = checkpoints.progress()["settings"]
    trainer = Trainer(checkpoints.steps()[-1], **{name: settings[name] for name in Trainer._fields[1:]})
    with computing(trainer.precision):
        task = _task(net, dataset, as_optimizer(optax.identity()), trainer)
        compatibility.check(task)
        return folders.run_of(folder, task, training.settings(task, settings["seed"]))
