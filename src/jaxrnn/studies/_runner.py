"""From the configuration of a study to its files: arrays, a table, figures."""

from pathlib import Path
from typing import Literal

from omegaconf import OmegaConf

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import config, folders
from jaxrnn.experiments.build import build
from jaxrnn.experiments.conf import compose
from jaxrnn.studies import _ensembles as ensembles
from jaxrnn.types import Size


def run(cfg, hydra):
    """What `scripts/study.py` does: studies kinds of networks, or the network of a run folder into it.

    Args:
      cfg: the configuration.
      hydra: the node hydra.

    Returns:
      Lines of text for the terminal.

    Raises:
      ConfigError: if a configuration cannot be used, or the study cannot be made of such networks.
    """
    if "run" in cfg:
        return study_run(cfg, cfg.run)
    return study_models(compared(cfg, hydra), hydra.runtime.output_dir)


def compared(cfg, hydra):
    """{label: configuration} of the kinds of networks in one figure, or of the one that model=... chooses."""
    given = [word for word in hydra.overrides.task if not word.startswith("compare=")]
    kinds = cfg.networks if cfg.compare is None else cfg.compare
    if kinds is None or any(word.startswith(("model=", "experiment=")) for word in given):
        return {str(hydra.runtime.choices.model): cfg}
    other_data = any(word.startswith("data=") for word in given)
    cfgs = {}
    for label, settings in _kinds(kinds).items():
        chosen = {k: v for k, v in settings.items() if not (other_data and k.split(".")[0] == "data")}
        cfgs[label] = compose("study", [*(f"{key}={_quoted(value)}" for key, value in chosen.items()), *given])
    return cfgs


def _kinds(compare):
    """{label: {key: value}}: of a mapping as it is, of a list of models each by its name."""
    content = OmegaConf.to_container(compare, resolve=False)
    if isinstance(content, dict):
        return content
    if not all(isinstance(name, str) for name in content):
        raise ConfigError("compare: give {LABEL: {KEY: VALUE}} or a list of models, such as compare=[lstm,gru]")
    return {name: {"model": name} for name in content}


def _quoted(value):
    """A value as Hydra's grammar writes it."""
    if isinstance(value, str):
        return value if value.startswith("${") else "'" + value.replace("'", "\\'") + "'"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else value


def study_models(cfgs, folder):
    """Runs a study of networks that a configuration describes.

    Args:
      cfgs: {name: configuration}, one for each kind of network; their nodes `study`, `seeds` and `train` agree.
      folder: where the files go.

    Returns:
      Lines of text for the terminal.
    """
    cfg = next(iter(cfgs.values()))
    networks = config.validated(cfg.seeds, Size, "seeds")
    make = ensembles.trained if config.validated(cfg.train, bool, "train") else ensembles.untrained
    built = {name: build(each) for name, each in cfgs.items()}
    found = [make(name, each.task, each.seed, networks, each) for name, each in built.items()]
    return _study(cfg.study, found, Path(folder))


def study_run(cfg, folder):
    """Runs a study of the network of a run folder, into it; `cfg` has the nodes `study` and `checkpoints`."""
    config.check(OmegaConf.create({"study": cfg.study}))
    return _study(cfg.study, [_of_run(folder, cfg.checkpoints)], Path(str(folder)))


def _of_run(folder, checkpoints):
    """The network of a run folder: its best params, or those of every checkpoint that the run kept.

    Args:
      folder: the run folder.
      checkpoints: "best" or "all".

    Raises:
      ConfigError: if the folder is none, or its checkpoints cannot be read.
    """
    checkpoints = config.validated(checkpoints, Literal["best", "all"], "checkpoints")
    if checkpoints == "best":
        run = folders.load(folder)
        task, seed, cfg, params = run.task, run.seed, run.cfg, {run.best_step: run.params}
    else:
        experiment, params = folders.checkpoints_of(folder)
        task, seed, cfg = experiment.task, experiment.seed, experiment.cfg
    name = cfg.model.get("cell", cfg.model)._target_.split(".")[-2]
    return ensembles.of_params(name, task, seed, params)


def _study(node, found, folder):
    measure = config.build(node)
    name = measure.func.__module__.rpartition(".")[2]
    try:
        result = measure(found)
    except ValueError as error:
        raise ConfigError(f"study {name}: {error}") from error
    try:
        paths = result.write(folder, name)
    except OSError as error:
        raise ConfigError(f"{error}") from error
    return [*result.findings, f"in {', '.join(map(str, paths))}"]
