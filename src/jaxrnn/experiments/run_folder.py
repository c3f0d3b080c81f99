"""Run folders: trains a run into a folder, resumes it there, and loads its network."""

import contextlib
from pathlib import Path

import jax

from jaxrnn import atomic
from jaxrnn.errors import ConfigError, DiskError
from jaxrnn.experiments import comparing, fitting, saved_config, schema
from jaxrnn.experiments.build import INSTEAD, ON_GPUS, build, description
from jaxrnn.experiments.hydra_internals import to_yaml
from jaxrnn.experiments.multihost import joined, with_all_processes
from jaxrnn.experiments.run import Run
from jaxrnn.experiments.run_report import report
from jaxrnn.precision import computing
from jaxrnn.storage import fingerprint, locks, metrics_csv, summaries
from jaxrnn.storage.checkpoints import Checkpoints
from jaxrnn.table import Table
from jaxrnn.types import Size

ENDED = ("finished", "diverged", "pruned")  # statuses of runs that are not trained any further


def train(cfg, folder):
    """Trains a new run into a run folder.

    Args:
      cfg: a configuration with a seed and the nodes in `nodes.REQUIRED`. `figures: false` turns the figures off.
      folder: the run folder. The caller holds its lock.

    Returns:
      The summary, as written to `summary.json`.

    Raises:
      ConfigError: if the configuration cannot be used, or if the folder already contains a run.
    """
    with joined(lambda: saved_config.how_to_resume(folder)) as peers:
        refuse_a_run(folder)
        return _with_all(build(cfg), folder, peers)


def train_one_of_many(cfg, folder):
    """Trains a run of a sweep, or resumes it if the sweep was interrupted. A complete run stays as it is.

    Takes the arguments of `train` and returns the same, but draws figures only with `figures: true`.

    Raises:
      DiskError: if a file cannot be written. The run can be resumed.
      ConfigError: if the configuration cannot be used. The reason is also written to `summary.json`.
    """
    if (content := ended(folder)) is not None:
        return content
    try:
        return train_experiment(build(cfg), folder, bool(cfg.get("figures")))
    except DiskError:
        raise
    except ConfigError as error:
        fail(folder, str(error))
        raise


def ended(folder):
    """Returns the summary of a complete run, or None. A damaged summary counts as missing: it is written again."""
    try:
        content = summaries.read(folder)
    except ConfigError:
        return None
    return content if content is not None and content["status"] in ENDED else None


def resume(folder, steps=None, trusted=()):
    """Resumes a run in its folder from the last checkpoint, or from the beginning if it has no checkpoint yet.

    Args:
      folder: the run folder.
      steps: total number of updates, if it should differ from the number that the run was started with.
      trusted: modules and files that its configuration may use in addition to jaxrnn and Optax, see `trust.check`.

    Returns:
      The summary.

    Raises:
      ConfigError: if the folder is not a run folder, another process trains in it, or steps is not a positive integer.
    """
    with joined(lambda: saved_config.how_to_resume(folder)) as peers:
        cfg = saved_config.config(folder, trusted)
        if steps is not None:
            steps = schema.validated(steps, Size, "trainer.steps")
            saved_config.check_steps(folder, cfg, steps)
            cfg.trainer.steps = steps
        experiment = build(cfg)  # raises errors in the configuration before anything is written
        with contextlib.nullcontext() if jax.process_index() else locks.of_run(folder):
            if steps is not None and jax.process_index() == 0:
                atomic.write(saved_config.file(folder), to_yaml(cfg))
            return _with_all(experiment, folder, peers)


def train_experiment(experiment, folder, figures, peers=None):
    """Trains an experiment in a run folder and resumes from its last checkpoint if there is one.

    Args:
      experiment, folder: the `Experiment` and the run folder.
      figures: True to draw figures.
      peers: the `Peers` of the other processes that train the same run, or None.

    Returns:
      The summary.

    Raises:
      ConfigError: if the checkpoint does not fit the experiment.
      DiskError: if a file cannot be written.
    """
    try:
        return fitting.complete(fitting.fit(experiment, folder, peers), experiment.probes, figures)
    except OSError as error:
        raise DiskError(atomic.refusal(error, f"resume with {saved_config.how_to_resume(folder)}")) from error


def _with_all(experiment, folder, peers):
    figures = experiment.cfg.get("figures") is not False
    return with_all_processes(train_experiment, experiment, Path(str(folder)), figures, peers)


def say(summary, folder):
    """Prints the report of a training run, in the first process only."""
    if jax.process_index() == 0:
        print(report(summary, folder, saved_config.how_to_resume(folder) if summary["status"] == "stopped" else None))


def refuse_a_run(folder):
    """Raises a `ConfigError` if a folder already contains a run."""
    if (Path(str(folder)) / metrics_csv.FILE).exists():
        raise ConfigError(
            f"{folder} already contains a run; choose another hydra.run.dir, or resume the run: "
            f"{saved_config.how_to_resume(folder)}"
        )


def refuse_another(folder, cfg):
    """Raises an error if a folder contains a run with a different configuration.

    Raises:
      ConfigError: if the configurations differ. The message names the keys that differ.
    """
    if not (Path(folder) / metrics_csv.FILE).exists() or not saved_config.file(folder).exists():
        return
    saved_leaves, new_leaves = comparing.leaves(saved_config.read(folder)), comparing.leaves(cfg)
    if saved_leaves != new_leaves:
        names = [n for n in {**saved_leaves, **new_leaves} if saved_leaves.get(n) != new_leaves.get(n)]
        raise ConfigError(
            f"{folder} contains a run with another configuration (they differ in "
            f"{', '.join(comparing.typed(names, cfg))}); choose another hydra.sweep.dir"
        )


def fail(folder, reason):
    """Writes the summary of a run of a sweep that could not be trained."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    no_results = {"steps": 0, "best_step": 0, "metrics": {}, **summaries.versions()}
    summaries.write(folder, {"status": "failed", "reason": reason, **no_results})


def load(folder, trusted=()):
    """Loads the trained network of a run folder, as a `Run`.

    Args:
      folder: the run folder.
      trusted: as in `resume`.

    Raises:
      ConfigError: if the folder is not a run folder, was written by a version that this one cannot read, or contains
        no checkpoint; or if its configuration uses a function or a file that is not trusted.
    """
    experiment = saved_experiment(folder, trusted)
    settings = fingerprint.settings_of(experiment.task, experiment.seed, description(experiment.cfg))
    with computing(experiment.task.trainer.precision):
        return saved_run(folder, experiment.task, settings, experiment.evaluator, experiment.cfg)


def saved_run(folder, task, settings, evaluator=None, cfg=None):
    """Loads the `Run` of a folder, whose checkpoints must record the same settings.

    Args:
      folder: the run folder.
      task: its `Task`.
      settings: see `fingerprint.settings_of`.
      evaluator, cfg: as in `Run`.
    """
    params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
    best, progress, tables, step = checkpoints(folder).params(params)
    fingerprint.check(progress["settings"], settings, folder)
    return Run(
        task,
        best,
        progress["best_step"],
        step,
        Table(metrics_csv.parsed(metrics_csv.saved_text(tables, metrics_csv.FILE, folder))),
        seed=progress["settings"]["seed"],
        folder=Path(str(folder)),
        cfg=cfg,
        evaluator=evaluator,
    )


def checkpoints_of(folder, trusted=()):
    """Loads the params of all checkpoints of a run folder, as (experiment, {step: params}). Arguments as in `load`."""
    experiment = saved_experiment(folder, trusted)
    return experiment, checkpoint_params(folder, experiment.task)


def checkpoint_params(folder, task):
    """Loads the params of all checkpoints of a run of a `Task`, as {step: params}."""
    store = checkpoints(folder)
    with computing(task.trainer.precision):
        params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
    return {step: store.params(params, "state", step)[0] for step in store.steps()}


def checkpoints(folder):
    """Opens the checkpoints of a run folder. Raises a `ConfigError` if there is none."""
    store = Checkpoints(folder, schema=fingerprint.Progress) if (Path(str(folder)) / "checkpoints").is_dir() else None
    if store is None or not store.steps():
        raise ConfigError(f"{folder} contains no checkpoint yet; resume the run: {saved_config.how_to_resume(folder)}")
    return store


def saved_experiment(folder, trusted=()):
    """Builds the experiment of a run folder. Without a GPU it replaces an unroll that requires one."""
    cfg = saved_config.config(folder, trusted)
    if cfg.unroll._target_ in ON_GPUS and jax.default_backend() != "gpu":
        cfg.unroll = {"_target_": INSTEAD}
    return build(cfg)
