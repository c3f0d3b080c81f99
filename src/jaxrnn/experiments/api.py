"""Trains and loads networks from Python, either from objects (net, data set, optimizer) or from an `Experiment`."""

import contextlib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optax

from jaxrnn import atomic, optimizers
from jaxrnn.arguments import checked, refuse_factory
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import fine_tuning, fitting, made_again, run_folder, saved_config, tracking
from jaxrnn.experiments.build import Experiment
from jaxrnn.experiments.run import Run
from jaxrnn.nets import adapted
from jaxrnn.optimizers import Optimizer, as_optimizer
from jaxrnn.precision import as_computed, computing
from jaxrnn.storage import fingerprint, locks
from jaxrnn.training import compatibility, evaluation
from jaxrnn.training.store import Checkpointing
from jaxrnn.training.update import Precision, Task, Trainer
from jaxrnn.types import Dataset, Net, Positive, Seed, Size, Unroll
from jaxrnn.unroll import deferred


@checked
def fit(
    net: Net | Experiment,
    dataset: Dataset | None = None,
    *,
    steps: Size | None = None,
    batch_size: Size | None = None,
    learning_rate: Positive | None = None,
    optimizer: Any = None,
    clip_norm: Positive | None = None,
    report_every: Size | None = None,
    precision: Precision = "f32",
    seed: Seed = 0,
    folder: str | Path | None = None,
    unroll: Unroll | None = None,
    callbacks: Sequence[Callable[..., Any]] = (),
    probes: dict[str, Any] | None = None,
    logger: Any = None,
    metrics: dict[str, Callable[..., Any]] | None = None,
    regularizer: Callable[..., Any] | None = None,
    checkpointing: Checkpointing = Checkpointing(),
    params: Any = None,
    frozen: Any = None,
    loss: Any = None,
) -> Run:
    """Trains a network.

        net = jaxrnn.rnn(lstm.cell(16), output_size=1)
        result = jaxrnn.fit(net, sine.dataset(), steps=36_000, batch_size=1, learning_rate=1e-3)
        result.params, result.history, result.metrics

    Call `jaxrnn.runtime.prepare()` in the first line of your program to use every core and cache compiled programs.

    Args:
      net: a `Net`, or an `Experiment`. An `Experiment` sets all of the following arguments except `folder`.
      dataset, steps: a `Dataset`; the number of updates.
      batch_size: number of sequences per update (B).
      learning_rate: learning rate of Adam. Give either this or `optimizer`.
      optimizer: an Optax transformation, or the result of `jaxrnn.optimizers.optimizer`.
      clip_norm: the gradient is clipped to this global norm before the optimizer. None turns clipping off.
      report_every: number of updates between two reports. None means `max(1, steps // 100)`.
      precision: precision of the matrix products: "f32", "bf16" or "f64".
      seed: seed of everything random.
      folder: a run folder for metrics, checkpoints and summary. Repeat the call to resume an interrupted run.
      unroll: the result of a factory in `jaxrnn.unroll`. None means `deferred`.
      callbacks: functions of a `training.callbacks.Progress`, called at every report. Returning a reason ends the run.
      probes: {name: probe}, such as `jaxrnn.studies.gates.probe()`. Probes write into the folder.
      logger: "tensorboard", "wandb", "trackio", "mlflow" or a `Tracker`, or a list of them; they record the run folder.
      metrics: {name: (ys, Batch) -> number}, reported in addition to the loss.
      params: params to start from, such as `run.params` or those of an imported model; None to draw them.
      frozen: parts that are not trained: (name of a part, such as "0.w_h") -> bool, or bools in the params' structure.
      loss: "mse", "mae", "huber", "cross_entropy", or (ys [T, B, K], targets) -> [T, B]; None for the data set's loss.
      regularizer, checkpointing: such as `jaxrnn.training.flossing(3)`; a `jaxrnn.training.Checkpointing`.

    Raises:
      TypeError: if an argument is missing, or both `learning_rate` and `optimizer` are given.
      ConfigError: if the arguments do not fit each other, or the folder contains another run or is locked.
      OSError: if a file cannot be written.
    """
    if isinstance(net, Experiment):
        _refuse_arguments(locals())
        return _fit_experiment(net, folder)
    if steps is None or batch_size is None or dataset is None:
        raise TypeError("fit: an argument is missing; give net, dataset, steps=..., batch_size=..., learning_rate=...")
    optimizer = _optimizer(optimizer, learning_rate, clip_norm)
    trainer = Trainer(steps, batch_size, report_every or max(1, steps // 100), precision)
    with computing(precision):
        task = _task(net, dataset, optimizer, trainer, unroll, regularizer, metrics)
        task = fine_tuning.changed(task, params, frozen, loss)
        run = fit_task(task, seed, folder, checkpointing, callbacks, probes, logger)
    run.objects = {"net": net, "dataset": dataset, "loss": loss}
    if folder is not None:
        made_again.write(folder, run.objects)
    return run


def fit_task(task, seed=0, folder=None, checkpointing=Checkpointing(), callbacks=(), probes=None, logger=None):
    """Trains the net of a `Task`; arguments and errors as in `fit`."""
    compatibility.check(task, checkpointing, callbacks, probes)
    evaluator, trackers = evaluation.evaluator(task), tracking.chosen(logger)
    experiment = Experiment({}, task, seed, checkpointing, list(callbacks), probes or {}, evaluator, trackers)
    with _locked(folder):
        return _fitted(experiment, folder)


def _task(net, dataset, optimizer, trainer, unroll=None, regularizer=None, metrics=None):
    """Makes a `Task` from Python objects, with all arrays in the floating-point type that JAX uses now."""
    refuse_factory(unroll, "unroll")
    splits = {name: as_computed(batch) for name, batch in dataset.splits.items()}
    train = dataset.train._replace(arrays=as_computed(dataset.train.arrays))
    dataset = dataset._replace(train=train, splits=splits)
    net = adapted(net.with_unroll(deferred.unroll() if unroll is None else unroll), dataset)
    init = net.init
    net = net._replace(init=lambda key, input_size: as_computed(init(key, input_size)))
    return Task(net, dataset, optimizer, trainer, regularizer, metrics or {})


def _refuse_arguments(arguments):
    """Raises a `ConfigError` if an argument is given that the experiment already sets."""
    parameters = inspect.signature(fit).parameters
    settings_of_run = [name for name in parameters if name not in ("net", "folder")]
    if repeated := [name for name in settings_of_run if arguments[name] != parameters[name].default]:
        advice = "pass it to jaxrnn.experiment(...) as an override"
        if repeated[0] in ("params", "frozen", "loss"):
            advice = f"call jaxrnn.fit(experiment.task.net, experiment.task.dataset, {repeated[0]}=..., ...)"
        raise ConfigError(f"{repeated[0]}: the experiment already sets it; {advice}")


def _locked(folder):
    return contextlib.nullcontext() if folder is None else locks.Lock(folder)


def _fitted(experiment, folder):
    if folder is None and (experiment.probes or experiment.trackers):
        reason = "probes: they write into" if experiment.probes else "logger: trackers record"
        raise ConfigError(f"{reason} a run folder; give folder=...")
    run = fitting.fit(experiment, folder)
    if folder is not None:
        fitting.complete(run, experiment.probes, figures=False)
    return run


def _optimizer(optimizer, learning_rate, clip_norm):
    if (learning_rate is None) == (optimizer is None):
        raise TypeError("fit: give exactly one of learning_rate=... (for Adam) and optimizer=...")
    if optimizer is None:
        return optimizers.optimizer(optax.scale_by_adam(), learning_rate, clip_norm)
    if clip_norm is None:
        return as_optimizer(optimizer)
    if isinstance(optimizer, Optimizer):
        raise ConfigError(
            "clip_norm: this optimizer has its own setting; pass clip_norm to jaxrnn.optimizers.optimizer instead"
        )
    return Optimizer(optimizers.clip_by_global_norm(clip_norm), as_optimizer(optimizer).rule, clip_norm)


def _fit_experiment(experiment, folder):
    from jaxrnn.experiments.hydra_internals import to_yaml

    with _locked(folder):
        if folder is not None:
            run_folder.refuse_another(folder, experiment.cfg)
            config_path = saved_config.file(folder)
            config_path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(config_path, to_yaml(experiment.cfg))
        return _fitted(experiment, folder)


@checked
def load(
    folder: str | Path, net: Net | None = None, dataset: Dataset | None = None, trusted: Sequence[str] = ()
) -> Run:
    """Loads a trained network from a run folder, as a `jaxrnn.Run`.

    Args:
      folder: a run folder.
      net: the net of a run that was trained from Python objects. It is not needed for a run with a configuration, or
        whose objects were made by factories of jaxrnn and plain values or arrays.
      dataset: the data set of that run, required together with `net`.
      trusted: modules of your own, and files outside the folder and the working directory, that the run's configuration
        may use. Everything else that it calls must belong to jaxrnn or Optax.

    Raises:
      TypeError: if only one of net and dataset is given.
      ConfigError: if the folder is not a run folder, contains no checkpoint, or the checkpoint belongs to another net.
    """
    if (net is None) != (dataset is None):
        raise TypeError(
            "load: give both net and dataset, or neither: load(folder) reads them from the run's configuration"
        )
    objects = None if net is not None or saved_config.file(folder).is_file() else made_again.read(folder, trusted)
    if net is None and objects is None:
        return run_folder.load(folder, trusted)
    net, dataset, loss = (net, dataset, None) if objects is None else objects.values()
    checkpoints = run_folder.checkpoints(folder)
    settings = checkpoints.progress()["settings"]
    trainer = Trainer(checkpoints.steps()[-1], **{name: settings[name] for name in Trainer._fields[1:]})
    with computing(trainer.precision):
        task = _task(net, dataset, as_optimizer(optax.identity()), trainer)
        task = fine_tuning.changed(task, loss=loss)
        compatibility.check(task)
        return run_folder.saved_run(folder, task, fingerprint.settings_of(task, settings["seed"]))
