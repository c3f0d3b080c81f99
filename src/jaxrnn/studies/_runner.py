"""From the configuration of a study to its files: arrays, tables, and figures with captions."""

import time
from functools import partial
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

from jaxrnn import atomic, hints
from jaxrnn.errors import ConfigError, DiskError, last_line
from jaxrnn.experiments import nodes, schema
from jaxrnn.experiments.build import build
from jaxrnn.experiments.compose import compose
from jaxrnn.experiments.hydra_internals import to_yaml
from jaxrnn.plotting.style import Layout
from jaxrnn.precision import computing
from jaxrnn.progress_bar import progress_bar
from jaxrnn.storage import summaries
from jaxrnn.studies import _aggregate as aggregate
from jaxrnn.studies import _ensembles as ensembles
from jaxrnn.studies import _precision
from jaxrnn.studies._networks import load_networks, network_name
from jaxrnn.studies._result import check
from jaxrnn.timestamps import stamp
from jaxrnn.training.ensemble import network_seeds
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
    layouts = [_pop_layout(each) for each in cfgs.values()]
    cfg = next(iter(cfgs.values()))
    networks = schema.validated(cfg.seeds, Size, "seeds")
    experiments = {name: build(each) for name, each in cfgs.items()}
    if schema.validated(cfg.train, bool, "train"):
        with progress_bar(sum(each.task.trainer.steps for each in experiments.values())) as bar:
            make = partial(ensembles.trained_ensemble, bar=bar)
            kinds = [_ensemble(make, name, e, networks) for name, e in experiments.items()]
    else:
        kinds = [_ensemble(ensembles.initial_ensemble, name, e, networks) for name, e in experiments.items()]
    return _study(cfg, kinds, Path(folder), command, began, layouts[0])


def _ensemble(make, name, experiment, networks):
    with computing(experiment.task.trainer.precision):
        return make(name, experiment.task, network_seeds(experiment.seed, networks), experiment)


def study_run(cfg, folder, command=""):
    """Runs a study of the networks of run folders and sweeps; writes to a folder inside the only folder of them.

    Args:
      cfg: the configuration, with the nodes `study`, `checkpoints`, `split`, `precision` and `figure`.
      folder: a run folder, the folder of a sweep, or a list of these.
      command: the command that was run, for the captions.

    Returns:
      Lines of text for the terminal.
    """
    began, layout = time.perf_counter(), _pop_layout(cfg)
    schema.prepare(cfg, skipped=[key for key in cfg if key not in nodes.FIXED["study_run"]])
    folders = [str(each) for each in folder] if isinstance(folder, list | ListConfig) else [str(folder)]
    kinds, notes = load_networks(
        folders,
        schema.validated(cfg.checkpoints, Literal["best", "all"], "checkpoints"),
        schema.validated(cfg.split, str, "split"),
        schema.validated(cfg.precision, Literal["f32", "f64"] | None, "precision"),
        schema.listed(cfg.trust, "trust"),
    )
    target = _new_folder(folders, schema.instantiate(cfg.study).func.__module__.rpartition(".")[2])
    lines = _study(cfg, kinds, target, command, began, layout, notes)
    OmegaConf.update(cfg, "study.layout", layout, force_add=True)
    atomic.write(target / "config.yaml", to_yaml(cfg))
    return [*notes, *lines]


def _new_folder(folders, name):
    """Returns the path of a new folder: in the only folder that is studied, or else in `outputs`."""
    parent = Path(folders[0]) / FOLDER if len(folders) == 1 else Path("outputs") / stamp("%Y-%m-%d")
    stem, number = name if len(folders) == 1 else f"{stamp('%H-%M-%S')}_{name}", 1
    while (target := parent / (stem if number == 1 else f"{stem}_{number}")).exists():
        number += 1
    return target


def _pop_layout(cfg):
    """Removes `study.layout`, which every study has besides its arguments, from a configuration and returns it."""
    with open_dict(cfg):
        return schema.validated(cfg.study.pop("layout", "panels"), Layout, "study.layout")


def _study(cfg, kinds, folder, command, began, layout, notes=()):
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
        paths = result._replace(layout=layout).write(folder, name, page.width, provenance(kinds, command, began, notes))
    except OSError as error:
        raise DiskError(atomic.refusal(error, "give the same command again")) from error
    return [*result.findings, f"in {', '.join(map(str, paths))}"]


def provenance(kinds, command, began, notes=()):
    """Describes how numbers were made, for the last lines of a caption: networks, seeds, command, time, versions,
    machine.
    """
    environment = summaries.versions()
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    seeds = "; ".join(dict.fromkeys(_range(each.seeds) for each in kinds))
    lines = ["Networks: " + ", ".join(each.description() for each in kinds) + f". Seeds {seeds}."]
    lines += [f"Sequences: {split}." for split in dict.fromkeys(each.split for each in kinds)]
    lines += [f"Note: {note}." for note in notes]
    lines += [f"Command: {command}"] if command else []
    seconds = time.perf_counter() - began
    lines.append(f"Measured in {seconds:.0f} s on {environment['device']}; {versions}; {stamp('%Y-%m-%d')}.")
    return "\n".join(lines) + "\n"


def _range(seeds):
    """Writes seeds as "0 to 5" if they follow each other, else as a list."""
    first, last = int(seeds[0]), int(seeds[-1])
    return f"{first} to {last}" if last - first == len(seeds) - 1 else ", ".join(map(str, seeds))
