"""From the configuration of a study to its files: arrays, tables, and figures with captions."""

import time
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from omegaconf import DictConfig, OmegaConf

from jaxrnn import atomic, hints
from jaxrnn.errors import ConfigError, DiskError, last_line
from jaxrnn.experiments import nodes, run_folder, schema
from jaxrnn.experiments.build import build
from jaxrnn.experiments.compose import compose
from jaxrnn.experiments.hydra_internals import to_yaml
from jaxrnn.precision import computing
from jaxrnn.progress_bar import progress_bar
from jaxrnn.storage import summaries
from jaxrnn.studies import _aggregate as aggregate
from jaxrnn.studies import _ensembles as ensembles
from jaxrnn.studies import _precision
from jaxrnn.studies._result import check
from jaxrnn.timestamps import stamp
from jaxrnn.training.batches import check_split
from jaxrnn.training.diagnostics import notes as of_training
from jaxrnn.types import Size

FOLDER = "studies"  # in a run folder: studies/NAME, studies/NAME_2 ...


def run(cfg: DictConfig, hydra: Any) -> list[str]:
    """Runs the command `study`: measures several kinds of networks, or the network of a run folder.

    Args:
      cfg: the configuration.
      hydra: Hydra's node of the configuration.

    Returns:
      Lines of text for the terminal.

    Raises:
      ConfigError: if a configuration cannot be used, or the study cannot measure such networks.
    """
    command = hints.command("study", hydra.overrides.task)
    if "run" in cfg:
        _refuse_keys_of_run(hydra.overrides.task, cfg.run)
        return study_run(cfg, cfg.run, command)
    folder = hydra.runtime.output_dir
    lines = study_models(networks_by_label(cfg, hydra), folder, command)
    if str(hydra.mode).endswith("MULTIRUN"):
        lines += aggregate.write(hydra.sweep.dir, schema.instantiate(cfg.figure).width)
    return lines


def _refuse_keys_of_run(words, folder):
    """Raises a `ConfigError` for an override of a node that the configuration of the run folder sets."""
    for word in words:
        key = word.lstrip("+~").partition("=")[0]
        if key.partition(".")[0] in (*nodes.REQUIRED, *nodes.OPTIONAL, *nodes.DESCRIPTIONS):
            raise ConfigError(f"{key}: cannot be set here: the configuration of {folder} sets it")


def networks_by_label(cfg, hydra):
    """Returns {label: configuration} of the networks in one figure, or of the only one if model=... is given."""
    overrides = [word for word in hydra.overrides.task if not word.startswith("compare=")]
    name = "networks" if cfg.compare is None else "compare"
    kinds = cfg[name]
    if kinds is None or any(word.startswith(("model=", "experiment=")) for word in overrides):
        return {network_name(cfg): cfg}
    other_data = any(word.startswith("data=") for word in overrides)
    cfgs = {}
    for label, settings in _kinds(kinds, name).items():
        chosen = {key: value for key, value in settings.items() if not (other_data and key.split(".")[0] == "data")}
        cfgs[label] = compose("study", [*(f"{key}={_quoted(value)}" for key, value in chosen.items()), *overrides])
    return cfgs


def network_name(cfg):
    """Returns the name of a configuration's network: its cell, "lstm" for a cell of the package, "mine.cell" for
    another.
    """
    target = str(cfg.model.get("cell", cfg.model)._target_)
    parts = target.split(".")
    return parts[-2] if parts[:2] == ["jaxrnn", "cells"] else target


def _kinds(compare, name):
    """Returns {label: {key: value}}: a mapping unchanged, a list of models as {model: {"model": model}}."""
    content = OmegaConf.to_container(compare, resolve=False) if OmegaConf.is_config(compare) else None
    if content and isinstance(content, dict) and all(isinstance(settings, dict) for settings in content.values()):
        return content
    if not content or not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise ConfigError(
            f"{name}={compare}: expected {{LABEL: {{KEY: VALUE}}}} or a list of models, such as {name}=[lstm,gru]"
        )
    return {name: {"model": name} for name in content}


def _quoted(value):
    """Writes a value in Hydra's grammar."""
    if isinstance(value, str):
        return value if value.startswith("${") else hints.quoted(value)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else value


def study_models(cfgs, folder, command=""):
    """Runs a study of networks that a configuration describes.

    Args:
      cfgs: {name: configuration}, one per kind of network; all have the same nodes `study`, `seeds` and `train`.
      folder: folder to write to.
      command: the command that was run, for the captions.

    Returns:
      Lines of text for the terminal.
    """
    began = time.perf_counter()
    cfg = next(iter(cfgs.values()))
    networks = schema.validated(cfg.seeds, Size, "seeds")
    experiments = {name: build(each) for name, each in cfgs.items()}
    if schema.validated(cfg.train, bool, "train"):
        with progress_bar(sum(each.task.trainer.steps for each in experiments.values())) as bar:
            make = partial(ensembles.trained_ensemble, bar=bar)
            kinds = [_ensemble(make, name, e, networks) for name, e in experiments.items()]
    else:
        kinds = [_ensemble(ensembles.initial_ensemble, name, e, networks) for name, e in experiments.items()]
    return _study(cfg, kinds, Path(folder), command, began)


def _ensemble(make, name, experiment, networks):
    with computing(experiment.task.trainer.precision):
        return make(name, experiment.task, experiment.seed, networks, experiment)


def study_run(cfg, folder, command=""):
    """Runs a study of the network of a run folder; writes to a folder inside it.

    Args:
      cfg: the configuration, with the nodes `study`, `checkpoints`, `split`, `precision` and `figure`.
      folder: the run folder.
      command: the command that was run, for the captions.

    Returns:
      Lines of text for the terminal.
    """
    began = time.perf_counter()
    schema.prepare(cfg, skipped=[key for key in cfg if key not in nodes.FIXED["study_run"]])
    network, notes = _of_run(folder, cfg)
    name, number, target = schema.instantiate(cfg.study).func.__module__.rpartition(".")[2], 1, None
    while target is None or target.exists():
        target = Path(str(folder)) / FOLDER / (name if number == 1 else f"{name}_{number}")
        number += 1
    lines = _study(cfg, [network], target, command, began)
    atomic.write(target / "config.yaml", to_yaml(cfg))
    return [*notes, *lines]


def _of_run(folder, cfg):
    """Loads the network of a run folder.

    Returns:
      (the network as an `Ensemble`, notes about the run for the reader).

    Raises:
      ConfigError: if the folder is not a run folder, its checkpoints cannot be read, or the data lack the split.
    """
    which = schema.validated(cfg.checkpoints, Literal["best", "all"], "checkpoints")
    split = schema.validated(cfg.split, str, "split")
    precision = schema.validated(cfg.precision, Literal["f32", "f64"] | None, "precision")
    experiment, checkpoints = run_folder.checkpoints_of(folder, schema.listed(cfg.trust, "trust"))
    check_split(experiment.task.dataset, split)
    run = run_folder.load(folder, schema.listed(cfg.trust, "trust"))
    params = checkpoints if which == "all" else {run.best_step: run.params}
    notes = []
    if which == "all" and len(checkpoints) == 1:
        step = next(iter(checkpoints))
        notes.append(f"this run kept only the checkpoint of step {step}; checkpoints.keep_every=N keeps more")
    summary = summaries.read(folder)
    if summary is not None and summary["status"] not in ("finished", "pruned"):
        notes.append(
            f"this run ended as {summary['status']}: {summary['reason']}; the study measures its last good state"
        )
    notes += of_training(run.history)
    if precision is not None:
        params = jax.tree.map(np.asarray, params)
        experiment.cfg.trainer.precision = precision
        experiment = build(experiment.cfg)
        dtype = np.float64 if precision == "f64" else np.float32
        params = jax.tree.map(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a, params)
    with computing(experiment.task.trainer.precision):
        network = ensembles.ensemble_of_params(
            network_name(experiment.cfg), experiment.task, experiment.seed, params, experiment
        )
    return network._replace(split=split), notes


def _study(cfg, kinds, folder, command, began):
    measure, page = schema.instantiate(cfg.study), schema.instantiate(cfg.figure)
    name = measure.func.__module__.rpartition(".")[2]
    try:
        with computing(_precision.of(kinds)):
            result = measure(kinds)
    except ValueError as error:
        raise ConfigError(f"study {name}: {error}") from error
    except (AttributeError, LookupError, NameError, TypeError) as error:
        if measure.func.__module__.startswith("jaxrnn."):
            raise
        line = last_line(error, measure.func.__code__.co_filename)  # a mistake in a study of the user's own
        raise ConfigError(f"study {name}{line}: {type(error).__name__}: {error}") from error
    check(result, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = result.write(folder, name, page.width, provenance(kinds, command, began))
    except OSError as error:
        raise DiskError(atomic.refusal(error, "give the same command again")) from error
    return [*result.findings, f"in {', '.join(map(str, paths))}"]


def provenance(kinds, command, began):
    """Describes how numbers were made, for the last lines of a caption: networks, seeds, command, time, versions,
    machine.
    """
    environment = summaries.versions()
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    seeds = "; ".join(dict.fromkeys(f"{each.seed} to {each.seed + each.networks - 1}" for each in kinds))
    lines = ["Networks: " + ", ".join(each.description() for each in kinds) + f". Seeds {seeds}."]
    lines += [f"Sequences: {split}." for split in dict.fromkeys(each.split for each in kinds)]
    lines += [f"Command: {command}"] if command else []
    seconds = time.perf_counter() - began
    lines.append(f"Measured in {seconds:.0f} s on {environment['device']}; {versions}; {stamp('%Y-%m-%d')}.")
    return "\n".join(lines) + "\n"
