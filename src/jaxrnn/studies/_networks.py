"""The networks of a study as ensembles, from `Run`s, run folders and sweeps: one per setting, with all its seeds."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from jaxrnn.arguments import checked
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, run_folder, saved_config, schema
from jaxrnn.experiments.build import Experiment, build, description
from jaxrnn.experiments.run import Run
from jaxrnn.plotting.style import BEST
from jaxrnn.precision import computing
from jaxrnn.storage import fingerprint
from jaxrnn.studies import _run_notes
from jaxrnn.studies._ensembles import Ensemble, stack_checkpoints
from jaxrnn.training.batches import check_split


class Network(NamedTuple):
    """A trained network: its `Run`, its params at the checkpoints that are studied, {step: params}, and its experiment.

    A `Run` that was not loaded from its folder has no experiment.
    """

    run: Run
    checkpoints: dict[int, Any]
    experiment: Experiment | None = None


def ensembles(networks: Any, pairs: bool = False) -> list[Ensemble]:
    """Returns the networks of a study as a list of `Ensemble`s.

    Args:
      networks, pairs: as in `jaxrnn.studies`; whether the study can measure encoder-decoders.

    Raises:
      ConfigError: if `networks` is empty, or contains an encoder-decoder that the study cannot measure.
    """
    if not (listed := _list_ensembles(networks)):
        raise ConfigError("networks=[]: expected at least one Run or Ensemble, found none")
    if unsupported := [each.name for each in listed if each.net.decoding is not None and not pairs]:
        raise ConfigError(f"{unsupported[0]} is an encoder-decoder: only study=gradient_flow can measure one")
    return listed


def _list_ensembles(networks):
    if isinstance(networks, Run):
        return _of_runs([networks])
    if isinstance(networks, Ensemble):
        return [networks]
    if isinstance(networks, Mapping):
        return [each for name, value in networks.items() for each in _rename(str(name), _list_ensembles(value))]
    if type(networks) not in (list, tuple):
        hint = "; load a run folder with jaxrnn.load" if isinstance(networks, str | Path) else ""
        kind = type(networks).__name__
        raise ConfigError(f"networks: expected a Run, an Ensemble, a list or a dict of these, found {kind}{hint}")
    if networks and all(isinstance(each, Run) for each in networks):
        return _of_runs(networks)
    listed = [each for value in networks for each in _list_ensembles(value)]
    if len({each.name for each in listed}) == len(listed):
        return listed
    return [each._replace(name=f"{each.name} {number}") for number, each in enumerate(listed, 1)]


def _rename(name, listed):
    """Gives ensembles a name; several ensembles also get a number."""
    if len(listed) == 1:
        return [listed[0]._replace(name=name)]
    return [each._replace(name=f"{name} {number}") for number, each in enumerate(listed, 1)]


def _of_runs(runs):
    """Returns one ensemble per setting of `Run`s; runs without a configuration are compared by what they compute."""
    if all(run.cfg is not None for run in runs):
        names = setting_names([comparing.leaves(run.cfg) for run in runs])
    else:
        programs = [_program(run) for run in runs]
        numbers = [programs.index(program) + 1 for program in programs]
        ranks = {number: rank for rank, number in enumerate(dict.fromkeys(numbers), 1)}
        names = [f"network {ranks[number]}" for number in numbers]
    names = ["network"] * len(runs) if len(set(names)) == 1 else names
    return _stack_by_name(names, [Network(run, {run.best_step: run.params}) for run in runs])


def _program(run):
    with computing(run.task.trainer.precision):
        return fingerprint.settings_of(run.task, 0, None, fingerprint.of_program(run.task))


def _stack_by_name(names, networks):
    networks_by_name = {}
    for name, network in zip(names, networks, strict=True):
        networks_by_name.setdefault(name, []).append(network)
    kinds = [_stack(name, members) for name, members in networks_by_name.items()]
    if any(kind.steps[0] == BEST for kind in kinds):  # then all figures and tables say so of all networks
        kinds = [kind._replace(steps=np.array([BEST])) if len(kind.steps) == 1 else kind for kind in kinds]
    return kinds


def _stack(name, networks):
    """Returns networks that differ only in their seeds as one ensemble, at the checkpoints that all of them have."""
    networks = sorted(networks, key=lambda network: network.run.seed)
    task = networks[0].run.task
    steps = [step for step in networks[0].checkpoints if all(step in each.checkpoints for each in networks)]
    if not steps and any(len(each.checkpoints) > 1 for each in networks):
        raise ConfigError(f"{name}: its runs kept no checkpoint of the same step; use checkpoints=best")
    at_steps = [[each.checkpoints[step] for each in networks] for step in steps]
    if not steps:
        steps, at_steps = [BEST], [[next(iter(each.checkpoints.values())) for each in networks]]
    params = [jax.tree.map(lambda *leaves: np.stack(leaves), *each) for each in at_steps]
    with computing(task.trainer.precision):
        params = stack_checkpoints(task, params)
    seeds = np.array([each.run.seed for each in networks], np.uint32)
    return Ensemble(name, task, seeds, np.array(steps), params, networks[0].experiment, as_runs=True)


def setting_names(leaves):
    """Returns one name per run, from the settings in which it differs from the others: "lstm, size=16".

    Args:
      leaves: {dotted name: value} of the configuration of each run.
    """
    factors, rows = comparing.settings(leaves)
    plain = {column for name, column in factors.items() if name.endswith("_target_")}
    words = [[str(value) if column in plain else f"{column}={value}" for column, value in row.items()] for row in rows]
    return list(map(", ".join, words))


def network_name(cfg):
    """Returns the name of a configuration's network: its cell, "lstm" for a cell of the package, "mine.cell" for
    another.
    """
    target = str(cfg.model.get("cell", cfg.model)._target_)
    parts = target.split(".")
    return parts[-2] if parts[:2] == ["jaxrnn", "cells"] else target


@checked
def networks_of(
    folders: str | Path | Sequence[str | Path],
    checkpoints: Literal["best", "all"] = "best",
    split: str = "train",
    precision: Literal["f32", "f64"] | None = None,
    trusted: Sequence[str] = (),
) -> list[Ensemble]:
    """Loads the networks of run folders and of sweeps, one `Ensemble` per setting.

        result = gradient_flow.study(networks_of("multirun/DATE/TIME"))

    Runs that differ only in their seeds are the networks of one ensemble. An ensemble is named after the settings that
    differ, such as "gru, learning_rate=0.01".

    Args:
      folders: a run folder, the folder of a sweep, or several of these.
      checkpoints: "best" for the params with the best validation loss, "all" for every checkpoint.
      split: split of the data from which sequences are drawn.
      precision: precision of the study; None for that of the training.
      trusted: as in `jaxrnn.load`.

    Raises:
      ConfigError: if no network can be loaded.
    """
    several = [folders] if isinstance(folders, str | Path) else folders
    return load_networks(several, checkpoints, split, precision, trusted)[0]


def load_networks(folders, checkpoints, split, precision, trusted):
    """Loads networks as in `networks_of`; returns (ensembles, notes about the runs for the reader)."""
    cfgs, errors = _configurations(folders, trusted)
    networks, folders_by_note = _load_all(cfgs, errors, checkpoints, split, trusted)
    if errors and not networks:
        raise errors[0]
    notes = _run_notes.first([f"left out: {error}" for error in errors])
    notes += _run_notes.of_runs(folders_by_note, len(networks))
    names = _names([cfgs[folder] for folder in networks])
    kinds = []
    for kind in _stack_by_name(names, networks.values()):
        if kind.steps[0] == BEST:
            best = [run.run.best_step for name, run in zip(names, networks.values(), strict=True) if name == kind.name]
            notes.append(f"{kind.name}: best checkpoints after {min(best):,} to {max(best):,} updates")
        kinds.append((kind if precision is None else _converted(kind, precision))._replace(split=split))
    return kinds, notes


def _configurations(folders, trusted):
    """Returns ({run folder: configuration} of all runs at or below folders, errors of those that cannot be read)."""
    run_folders = [run for folder in folders for run in saved_config.run_folders(folder) or [Path(folder)]]
    cfgs, errors = {}, []
    for folder in dict.fromkeys(run_folders):
        try:
            cfg = saved_config.config(folder, trusted)
            if not cfg.get("together"):  # a job that holds several runs
                run_folder.checkpoints(folder)
                cfgs[folder] = cfg
        except ConfigError as error:
            errors.append(error)
    return cfgs, errors


def _names(cfgs):
    """Returns the name of each configuration's setting, or of its network if the settings do not differ."""
    names = setting_names([comparing.leaves(cfg) for cfg in cfgs])
    return [name or network_name(cfg) for name, cfg in zip(names, cfgs, strict=True)]


def _load_all(cfgs, errors, which, split, trusted):
    """Loads the runs of configurations: ({run folder: `Network`}, {note: run folders}); adds to the list `errors`.

    Runs that differ only in their seeds share an experiment.
    """
    networks, experiments, folders_by_note = {}, {}, {}
    for name, (folder, cfg) in zip(_names(cfgs.values()), cfgs.items(), strict=True):
        try:
            if name not in experiments:
                experiments[name] = run_folder.saved_experiment(folder, trusted)
            network, notes = _load(folder, schema.prepare(cfg), experiments[name], which)
        except ConfigError as error:
            errors.append(error)
            continue
        check_split(network.run.task.dataset, split)
        networks[folder] = network
        for note in notes:
            folders_by_note.setdefault(note, []).append(str(folder))
    return networks, folders_by_note


def _load(folder, cfg, experiment, which):
    """Loads one run of an experiment as (`Network`, notes for the reader)."""
    task = experiment.task
    with computing(task.trainer.precision):
        run = run_folder.saved_run(folder, task, fingerprint.settings_of(task, cfg.seed, description(cfg)), cfg=cfg)
        checkpoints = run_folder.checkpoint_params(folder, task) if which == "all" else {run.best_step: run.params}
    notes = _run_notes.of_run(run, checkpoints if which == "all" else ())
    return Network(run, checkpoints, experiment), notes


def _converted(ensemble, precision):
    """Returns an ensemble in another precision."""
    cfg = copy.deepcopy(ensemble.experiment.cfg)
    cfg.trainer.precision = precision
    experiment = build(cfg)
    dtype = np.float64 if precision == "f64" else np.float32
    params = jax.tree.map(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a, ensemble.params)
    return ensemble._replace(task=experiment.task, experiment=experiment, params=params)
