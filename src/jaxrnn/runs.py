"""Run folders: training into one, going on in one, loading the network of one."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import jax
import numpy as np
from omegaconf import OmegaConf

from jaxrnn import config, devices, logging, probes, training
from jaxrnn.checkpoint import Checkpoints
from jaxrnn.config import Refusal
from jaxrnn.experiment import build
from jaxrnn.fitting import fit
from jaxrnn.results import Run, draw, evaluate, generate, generates, record, summary, table
from jaxrnn.types import Size

ENDED = ("finished", "diverged", "pruned")  # statuses of runs that have nothing left to do


def train(cfg, folder):
    """Trains into a run folder of its own.

    Args:
      cfg: a configuration with the nodes model, data, optimizer and trainer, and a seed; `figures: false` draws none.
      folder: the run folder.

    Returns:
      The summary, as `summary.json` holds it.

    Raises:
      Refusal: if the configuration cannot be used, or if the folder holds a run already.
    """
    devices.join_processes()
    if (Path(folder) / logging.FILE).exists():
        raise Refusal(
            f"{folder} holds a run already; go on with it, {_resume(folder)}, or choose another hydra.run.dir"
        )
    return _train_with_all(cfg, Path(folder), cfg.get("figures") is not False)


def train_one_of_many(cfg, folder):
    """Trains a run of a sweep, or goes on with it where the sweep was interrupted; one that has ended stays as it is.

    Arguments and result as of `train`; only `figures: true` draws figures.

    Raises:
      Refusal: if the configuration cannot be used; `summary.json` then says so.
    """
    if (content := logging.read_summary(folder)) is not None and content["status"] in ENDED:
        return content
    try:
        return _train(cfg, Path(folder), bool(cfg.get("figures")))
    except Refusal as error:
        fail(folder, str(error))
        raise


def refuse_another(folder, cfg):
    """Refuses to train a configuration in the folder of a run of another one.

    Raises:
      Refusal: if the folder holds a run whose configuration differs.
    """
    if not (Path(folder) / logging.FILE).exists() or not _config_file(folder).exists():
        return
    saved, wanted = config.leaves(saved_config(folder)), config.leaves(cfg)
    if saved != wanted:
        differing = [name for name in {**saved, **wanted} if saved.get(name) != wanted.get(name)]
        raise Refusal(
            f"{folder} holds a run of another configuration (they differ in {', '.join(differing)}); choose another "
            "hydra.sweep.dir"
        )


def fail(folder, reason):
    """Marks a run of a sweep that could not be trained."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    empty = {"steps": 0, "best_step": 0, "metrics": {}, **logging.versions()}
    logging.write_summary(folder, {"status": "failed", "reason": reason, **empty})


def _train_with_all(cfg, folder, figures):
    """Trains together with all processes, of which the first alone writes into the run folder.

    Raises:
      Refusal: if the processes do not mean the same folder, or a batch cannot be shared out over them.
    """
    if jax.process_count() == 1:
        return _train(cfg, folder, figures)
    from jax.experimental import multihost_utils

    name = np.frombuffer(hashlib.sha256(str(folder.absolute()).encode()).digest(), np.uint8)
    if (multihost_utils.process_allgather(name) != name).any():
        raise Refusal("the processes have different run folders; give them all the same hydra.run.dir=...")
    if jax.process_index() == 0:
        multihost_utils.sync_global_devices("the others have copied what they go on from")
        return _train(cfg, folder, figures, everywhere=True)
    with tempfile.TemporaryDirectory() as own:
        if (folder / "checkpoints").is_dir():
            shutil.copytree(folder / "checkpoints", Path(own) / "checkpoints")
            shutil.copy(folder / logging.FILE, own)
        multihost_utils.sync_global_devices("the others have copied what they go on from")
        return _train(cfg, Path(own), figures=False, everywhere=True)


def _train(cfg, folder, figures, everywhere=False):
    experiment = build(cfg)
    batch_size, processes = experiment.trainer.batch_size, jax.process_count()
    if everywhere and batch_size % processes:
        raise Refusal(f"trainer.batch_size={batch_size} cannot be shared out over {processes} processes")
    try:
        fitted = fit(experiment, folder, everywhere)
        stopped, run = fitted.status == "stopped", Run(folder, experiment, fitted.best, fitted.best_step)
        generated = generate(run) if generates(experiment) and not stopped else None
        content = summary(experiment, folder, fitted, {} if stopped else evaluate(run), generated)
        record(folder, cfg, content)
        if figures and not stopped:
            draw(run)
            probes.save_figures(folder)
    except OSError as error:
        raise Refusal(f"{error}; what was saved stays: make room and go on with {_resume(folder)}") from error
    return content


def resume(folder, steps=None):
    """Goes on from a run's last checkpoint, in its folder; from the beginning if it was killed before its first.

    Args:
      folder: the run folder.
      steps: train up to this many updates instead of what the run was started with.

    Returns:
      The summary.

    Raises:
      Refusal: if the folder is no run folder, or steps is no positive integer.
    """
    devices.join_processes()
    cfg = saved_config(folder)
    if steps is not None:
        cfg.trainer.steps = config.validated(steps, Size, "trainer.steps")
        build(cfg)  # refuses what cannot be used before anything is written
        if jax.process_index() == 0:
            file = _config_file(folder)
            OmegaConf.save(cfg, file.with_suffix(".tmp"))
            os.replace(file.with_suffix(".tmp"), file)
    return _train_with_all(cfg, Path(str(folder)), cfg.get("figures") is not False)


def load(folder):
    """The trained network of a run folder.

    Raises:
      Refusal: if the folder is none, was made by a version that this one cannot read, or holds no checkpoint.
    """
    experiment, checkpoints, state = _saved(folder)
    _, best, progress = checkpoints.restore(state, state.params)
    return Run(Path(str(folder)), experiment, best, progress["best_step"])


def moments(folder):
    """The networks of a run folder at all its checkpoints: (experiment, {step: params}).

    Raises:
      Refusal: as `load`.
    """
    experiment, checkpoints, state = _saved(folder)
    steps = checkpoints.steps()
    return experiment, {step: checkpoints.restore(state, state.params, step)[0].params for step in steps}


def _saved(folder):
    """(experiment, checkpoints, the shapes of a state) of a run folder with a checkpoint at least."""
    cfg = saved_config(folder)
    if cfg.trainer.unroll == "cudnn" and jax.default_backend() != "gpu":
        cfg.trainer.unroll = "deferred"  # the same network where there is no GPU
    experiment = build(cfg)
    program = training.program(experiment.net, experiment.dataset, experiment.optimizer, experiment.trainer)
    checkpoints = Checkpoints(folder, experiment.trainer.keep_every)
    if not checkpoints.steps():
        raise Refusal(f"{folder} holds no checkpoint yet; go on with it: {_resume(folder)}")
    return experiment, checkpoints, jax.eval_shape(program.init, jax.random.key(0))


def saved_config(folder):
    """The configuration of a run folder.

    Raises:
      Refusal: if the folder is none.
    """
    file = _config_file(folder)
    if not file.is_file():
        raise Refusal(f"{folder} is no run folder: it has no .hydra/config.yaml")
    cfg = OmegaConf.load(file)
    if missing := [name for name in ("seed", "model", "data", "optimizer", "trainer") if name not in cfg]:
        raise Refusal(f"{file} is not the configuration of a run: it lacks {', '.join(missing)}")
    return cfg


def report(summary, folder):
    """What a training run came to, as text for the terminal: status, losses, where the figures are, how to go on."""
    lines = [f"{summary['status']} at step {summary['steps']}" + (f": {summary['reason']}" * bool(summary["reason"]))]
    splits = {name: values for name, values in summary["metrics"].items() if values and "baseline" in values}
    if splits:
        lines += [f"the best params, of step {summary['best_step']}:", table(splits, summary["baseline"])]
    if "generation" in summary and summary["generation"]["mean_squared_error"] is not None:
        lines.append(
            "{length} values generated after {prime}: mean squared error {mean_squared_error:.3g}".format(
                **summary["generation"]
            )
        )
    if summary["probe_seconds"] > 0:
        lines.append(f"probes took {summary['probe_seconds']:.2f} s of {summary['seconds']:.2f} s")
    if summary["status"] == "stopped":
        lines.append(f"go on with: {_resume(folder)}")
    elif (Path(folder) / "figures").is_dir():
        lines.append(f"figures in {folder}/figures")
    return "\n".join(lines)


def _config_file(folder):
    return Path(str(folder)) / ".hydra" / "config.yaml"


def _resume(folder):
    return f"python scripts/train.py resume={folder}"
