"""Run folders: training into one, going on in one, loading the network of one."""

import contextlib
import shlex
from pathlib import Path

import jax

from jaxrnn import atomic
from jaxrnn.errors import ConfigError, DiskError
from jaxrnn.experiments import comparing, config, locks, saved
from jaxrnn.experiments.build import INSTEAD, ON_GPUS, build, description
from jaxrnn.experiments.files import record, report, save_figures
from jaxrnn.experiments.hydra_internals import to_yaml
from jaxrnn.experiments.processes import joined, with_all_processes
from jaxrnn.precision import computing
from jaxrnn.table import Table
from jaxrnn.training import history, identity, records, single_run, summaries
from jaxrnn.training.checkpoints import Checkpoints
from jaxrnn.training.run import Run
from jaxrnn.types import Size

ENDED = ("finished", "diverged", "pruned")  # statuses of runs that have nothing left to do


def train(cfg, folder):
    """Trains into a run folder of its own.

    Args:
      cfg: a configuration with the nodes of `NODES` and a seed; `figures: false` draws none.
      folder: the run folder, whose lock the caller holds.

    Returns:
      The summary, as `summary.json` holds it.

    Raises:
      ConfigError: if the configuration cannot be used, or if the folder holds a run already.
    """
    with joined(lambda: saved.how_to_resume(folder)) as peers:
        locks.refuse_a_run(folder)
        return _with_all(build(cfg), folder, peers)


def train_one_of_many(cfg, folder):
    """Trains a run of a sweep, or goes on with it where the sweep was interrupted; one that has ended stays as it is.

    Arguments and result as of `train`; only `figures: true` draws figures.

    Raises:
      DiskError: if something cannot be written; the run can be gone on with.
      ConfigError: if the configuration cannot be used; `summary.json` then says so.
    """
    if (content := ended(folder)) is not None:
        return content
    try:
        return train_experiment(build(cfg), Path(folder), bool(cfg.get("figures")))
    except DiskError:
        raise
    except ConfigError as error:
        fail(folder, str(error))
        raise


def ended(folder):
    """The summary of a run that has nothing left to do, or None; one that is damaged is to be written again."""
    try:
        content = summaries.read(folder)
    except ConfigError:
        return None
    return content if content is not None and content["status"] in ENDED else None


def resume(folder, steps=None, trusted=()):
    """Goes on from a run's last checkpoint, in its folder; from the beginning if it was killed before its first.

    Args:
      folder: the run folder.
      steps: train up to this many updates instead of what the run was started with.
      trusted: what its configuration may use beside jaxrnn and Optax, see `trust.check`.

    Returns:
      The summary.

    Raises:
      ConfigError: if the folder is no run folder, another process trains in it, or steps is no positive integer.
    """
    with joined(lambda: saved.how_to_resume(folder)) as peers:
        cfg = saved.config(folder, trusted)
        if steps is not None:
            steps = config.validated(steps, Size, "trainer.steps")
            _refuse_other_schedule(folder, cfg, steps)
            cfg.trainer.steps = steps
        experiment = build(cfg)  # refuses what cannot be used before anything is written
        with contextlib.nullcontext() if jax.process_index() else locks.of_run(folder):
            if steps is not None and jax.process_index() == 0:
                atomic.write(saved.file(folder), to_yaml(cfg))
            return _with_all(experiment, folder, peers)


def _refuse_other_schedule(folder, cfg, steps):
    """Refuses other updates for a run whose learning rate, or anything else, follows how many there are."""
    follow = [name for name, read in comparing.sources(cfg).items() if "trainer.steps" in read]
    if steps == cfg.trainer.steps or not follow or not Checkpoints(folder).steps():
        return
    words = [word for word in saved.overrides(folder) if word.lstrip("+").partition("=")[0] != "trainer.steps"]
    raise ConfigError(
        f"trainer.steps={steps}: {follow[0]} follows it, so that the run would have learned otherwise from its first "
        f"update on; train it anew with python scripts/train.py {shlex.join([*words, f'trainer.steps={steps}'])}"
    )


def train_experiment(experiment, folder, figures, peers=None):
    """Trains an experiment in a run folder, from its last checkpoint if it holds one; arguments as of `train`.

    Args:
      peers: the `Peers` that train together with this process, which do the same; None to train alone.

    Raises:
      ConfigError: if the checkpoint does not fit the experiment.
      DiskError: if something cannot be written.
    """
    try:
        saved.keep(folder)
        run = fit_experiment(experiment, folder, peers)
        content = record(folder, experiment.cfg, run.summary())
        if figures and run.status != "stopped":
            save_figures(run, experiment.probes)
    except OSError as error:
        raise DiskError(atomic.refusal(error, f"go on with {saved.how_to_resume(folder)}")) from error
    return content


def fit_experiment(experiment, folder, peers=None):
    """The `Run` of an experiment that is trained in a run folder."""
    with computing(experiment.task.trainer.precision):
        run = single_run.fit_checked(
            experiment.task,
            experiment.seed,
            folder,
            checkpointing=experiment.checkpointing,
            callbacks=experiment.callbacks,
            probes=experiment.probes,
            evaluator=experiment.evaluator,
            tensorboard=bool(experiment.cfg.get("tensorboard")),
            peers=peers,
            description=description(experiment.cfg),
        )
    run.cfg = experiment.cfg
    return run


def _with_all(experiment, folder, peers):
    figures = experiment.cfg.get("figures") is not False
    return with_all_processes(train_experiment, experiment, Path(str(folder)), figures, peers)


def say(summary, folder):
    """Prints what a training run came to; of several processes the first one does."""
    if jax.process_index() == 0:
        print(report(summary, folder, saved.how_to_resume(folder) if summary["status"] == "stopped" else None))


def refuse_another(folder, cfg):
    """Refuses to train a configuration in the folder of a run of another one.

    Raises:
      ConfigError: if the folder holds a run whose configuration differs.
    """
    if not (Path(folder) / records.FILE).exists() or not saved.file(folder).exists():
        return
    found, wanted = comparing.leaves(saved.read(folder)), comparing.leaves(cfg)
    if found != wanted:
        differing = comparing.typed([n for n in {**found, **wanted} if found.get(n) != wanted.get(n)], cfg)
        raise ConfigError(
            f"{folder} holds a run of another configuration (they differ in {', '.join(differing)}); choose another "
            "hydra.sweep.dir"
        )


def fail(folder, reason):
    """Marks a run of a sweep that could not be trained."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    empty = {"steps": 0, "best_step": 0, "metrics": {}, **records.versions()}
    summaries.write(folder, {"status": "failed", "reason": reason, **empty})


def load(folder, trusted=()):
    """The trained network of a run folder, a `Run`.

    Args:
      folder: the run folder.
      trusted: what its configuration may use beside jaxrnn and Optax, see `trust.check`.

    Raises:
      ConfigError: if the folder is none, was made by a version that this one cannot read, holds no checkpoint, or its
        configuration calls or reads what is not trusted.
    """
    experiment = saved_experiment(folder, trusted)
    noted = single_run.settings(experiment.task, experiment.seed, description(experiment.cfg))
    with computing(experiment.task.trainer.precision):
        run = run_of(folder, experiment.task, noted, experiment.evaluator)
    run.cfg = experiment.cfg
    return run


def run_of(folder, task, noted, evaluator=None):
    """The `Run` of a folder whose checkpoints note this of it."""
    params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
    best, progress, tables, step = checkpoints(folder).params(params)
    identity.check(progress["settings"], noted, folder)
    return Run(
        task,
        best,
        progress["best_step"],
        step,
        Table(records.parsed(records.saved_text(tables, records.FILE, folder))),
        seed=progress["settings"]["seed"],
        folder=Path(str(folder)),
        evaluator=evaluator,
    )


def checkpoints_of(folder, trusted=()):
    """The networks of a run folder at its checkpoints, (experiment, {step: params}); arguments, errors as `load`."""
    experiment, found = saved_experiment(folder, trusted), checkpoints(folder)
    task = experiment.task
    with computing(task.trainer.precision):
        params = jax.eval_shape(lambda: task.net.init(jax.random.key(0), task.dataset.input_size))
    return experiment, {step: found.params(params, "state", step)[0] for step in found.steps()}


def checkpoints(folder):
    """The checkpoints of a run folder, one at least."""
    found = Checkpoints(folder, schema=history.Progress) if (Path(str(folder)) / "checkpoints").is_dir() else None
    if found is None or not found.steps():
        raise ConfigError(f"{folder} holds no checkpoint yet; go on with it: {saved.how_to_resume(folder)}")
    return found


def saved_experiment(folder, trusted=()):
    """The experiment of a run folder; an unroll that needs a GPU is replaced where there is none."""
    cfg = saved.config(folder, trusted)
    if cfg.unroll._target_ in ON_GPUS and jax.default_backend() != "gpu":
        cfg.unroll = {"_target_": INSTEAD}
    return build(cfg)
