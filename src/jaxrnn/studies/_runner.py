"""From the configuration of a study to its files: arrays, tables, figures with captions."""

import shlex
import time
from functools import partial
from pathlib import Path
from typing import Literal

import jax
import numpy as np
from omegaconf import OmegaConf

from jaxrnn import atomic, hints
from jaxrnn.errors import ConfigError, DiskError
from jaxrnn.experiments import config, folders
from jaxrnn.experiments.build import build
from jaxrnn.experiments.conf import compose
from jaxrnn.experiments.hydra_internals import to_yaml
from jaxrnn.experiments.stamps import stamp
from jaxrnn.precision import computing
from jaxrnn.studies import _aggregate as aggregate
from jaxrnn.studies import _ensembles as ensembles
from jaxrnn.studies import _precision
from jaxrnn.training import records, summaries
from jaxrnn.training.batches import check_split
from jaxrnn.training.notes import notes as of_training
from jaxrnn.types import Size

PLACE = "studies"  # in a run folder: studies/NAME, studies/NAME_2 ...


def run(cfg, hydra):
    """What `scripts/study.py` does: studies kinds of networks, or the network of a run folder.

    Args:
      cfg: the configuration.
      hydra: the node hydra.

    Returns:
      Lines of text for the terminal.

    Raises:
      ConfigError: if a configuration cannot be used, or the study cannot be made of such networks.
    """
    command = f"python scripts/study.py {shlex.join(hydra.overrides.task)}"
    if "run" in cfg:
        return study_run(cfg, cfg.run, command)
    folder = hydra.runtime.output_dir
    lines = study_models(compared(cfg, hydra), folder, command)
    if str(hydra.mode).endswith("MULTIRUN"):
        lines += aggregate.write(hydra.sweep.dir, config.build(cfg.figure).width)
    return lines


def compared(cfg, hydra):
    """{label: configuration} of the kinds of networks in one figure, or of the one that model=... chooses."""
    given = [word for word in hydra.overrides.task if not word.startswith("compare=")]
    name = "networks" if cfg.compare is None else "compare"
    kinds = cfg[name]
    if kinds is None or any(word.startswith(("model=", "experiment=")) for word in given):
        return {network_name(cfg): cfg}
    other_data = any(word.startswith("data=") for word in given)
    cfgs = {}
    for label, settings in _kinds(kinds, name).items():
        chosen = {k: v for k, v in settings.items() if not (other_data and k.split(".")[0] == "data")}
        cfgs[label] = compose("study", [*(f"{key}={_quoted(value)}" for key, value in chosen.items()), *given])
    return cfgs


def network_name(cfg):
    """What a configuration's network is: its cell, "lstm" for one of the package, "mine.cell" for another."""
    target = str(cfg.model.get("cell", cfg.model)._target_)
    known = target.split(".")
    return known[-2] if known[:2] == ["jaxrnn", "cells"] else target


def _kinds(compare, name):
    """{label: {key: value}}: of a mapping as it is, of a list of models each by its name."""
    content = OmegaConf.to_container(compare, resolve=False) if OmegaConf.is_config(compare) else None
    if content and isinstance(content, dict) and all(isinstance(settings, dict) for settings in content.values()):
        return content
    if not content or not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise ConfigError(
            f"{name}={compare}: give {{LABEL: {{KEY: VALUE}}}} or a list of models, such as {name}=[lstm,gru]"
        )
    return {name: {"model": name} for name in content}


def _quoted(value):
    """A value as Hydra's grammar writes it."""
    if isinstance(value, str):
        return value if value.startswith("${") else hints.quoted(value)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else value


def study_models(cfgs, folder, command=""):
    """Runs a study of networks that a configuration describes.

    Args:
      cfgs: {name: configuration}, one for each kind of network; their nodes `study`, `seeds` and `train` agree.
      folder: where the files go.
      command: that was given, for the captions.

    Returns:
      Lines of text for the terminal.
    """
    began = time.perf_counter()
    cfg = next(iter(cfgs.values()))
    networks = config.validated(cfg.seeds, Size, "seeds")
    built = {name: build(each) for name, each in cfgs.items()}
    if config.validated(cfg.train, bool, "train"):
        with records.progress_bar(sum(each.task.trainer.steps for each in built.values()), 0) as bar:
            make = partial(ensembles.trained, bar=bar)
            found = [_ensemble(make, name, e, networks) for name, e in built.items()]
    else:
        found = [_ensemble(ensembles.untrained, name, e, networks) for name, e in built.items()]
    return _study(cfg, found, Path(folder), command, began)


def _ensemble(make, name, experiment, networks):
    with computing(experiment.task.trainer.precision):
        return make(name, experiment.task, experiment.seed, networks, experiment)


def study_run(cfg, folder, command=""):
    """Runs a study of the network of a run folder, into a folder of its own in it.

    Args:
      cfg: the configuration, with the nodes `study`, `checkpoints`, `split`, `precision` and `figure`.
      folder: the run folder.
      command: that was given, for the captions.

    Returns:
      Lines of text for the terminal.
    """
    began = time.perf_counter()
    config.check(OmegaConf.create({"study": cfg.study, "figure": cfg.figure}))
    found, notes = _of_run(folder, cfg)
    name, number, place = config.build(cfg.study).func.__module__.rpartition(".")[2], 1, None
    while place is None or place.exists():
        place = Path(str(folder)) / PLACE / (name if number == 1 else f"{name}_{number}")
        number += 1
    lines = _study(cfg, [found], place, command, began)
    atomic.write(place / "config.yaml", to_yaml(cfg))
    return [*notes, *lines]


def _of_run(folder, cfg):
    """(the network of a run folder as an `Ensemble`, sentences about the run that its reader should know).

    Raises:
      ConfigError: if the folder is none, its checkpoints cannot be read, or it has no such split.
    """
    which = config.validated(cfg.checkpoints, Literal["best", "all"], "checkpoints")
    split = config.validated(cfg.split, str, "split")
    precision = config.validated(cfg.precision, Literal["f32", "f64"] | None, "precision")
    experiment, kept = folders.checkpoints_of(folder, config.listed(cfg.trust, "trust"))
    check_split(experiment.task.dataset, split)
    run = folders.load(folder, config.listed(cfg.trust, "trust"))
    params = kept if which == "all" else {run.best_step: run.params}
    notes = []
    if which == "all" and len(kept) == 1:
        notes.append(f"this run kept one checkpoint, of step {next(iter(kept))}; checkpoints.keep_every=N keeps more")
    summary = summaries.read(folder)
    if summary is not None and summary["status"] not in ("finished", "pruned"):
        notes.append(f"this run ended as {summary['status']}: {summary['reason']}; studied is its last good state")
    notes += of_training(run.history)
    if precision is not None:
        params = jax.tree.map(np.asarray, params)
        experiment.cfg.trainer.precision = precision
        experiment = build(experiment.cfg)
        dtype = np.float64 if precision == "f64" else np.float32
        params = jax.tree.map(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a, params)
    with computing(experiment.task.trainer.precision):
        found = ensembles.of_params(network_name(experiment.cfg), experiment.task, experiment.seed, params, experiment)
    return found._replace(split=split), notes


def _study(cfg, found, folder, command, began):
    measure, page = config.build(cfg.study), config.build(cfg.figure)
    name = measure.func.__module__.rpartition(".")[2]
    try:
        with computing(_precision.of(found)):
            result = measure(found)
    except ValueError as error:
        raise ConfigError(f"study {name}: {error}") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = result.write(folder, name, page.width, provenance(found, command, began))
    except OSError as error:
        raise DiskError(atomic.refusal(error, "give the same command again")) from error
    return [*result.findings, f"in {', '.join(map(str, paths))}"]


def provenance(found, command, began):
    """How numbers were made, the last lines of a caption: networks, seeds, command, time, versions and machine."""
    made = records.versions()
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    seeds = "; ".join(dict.fromkeys(f"{each.seed} to {each.seed + each.networks - 1}" for each in found))
    lines = ["Networks: " + ", ".join(each.who() for each in found) + f". Seeds {seeds}."]
    lines += [f"Sequences: {split}." for split in dict.fromkeys(each.split for each in found)]
    lines += [f"Command: {command}"] if command else []
    seconds = time.perf_counter() - began
    lines.append(f"Measured in {seconds:.0f} s on {made['device']}; {versions}; {stamp('%Y-%m-%d')}.")
    return "\n".join(lines) + "\n"
