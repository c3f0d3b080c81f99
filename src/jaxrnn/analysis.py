"""From the configuration of a study to its files: arrays, a table, figures."""

import importlib
from pathlib import Path
from typing import Literal

import jax
import numpy as np

from jaxrnn import config, logging, plotting, runs, subjects
from jaxrnn.config import Refusal
from jaxrnn.experiment import build
from jaxrnn.types import Size


def study_models(cfgs, folder):
    """Runs a study of networks that a configuration describes.

    Args:
      cfgs: {name: configuration}, one for each kind of network; their nodes `study`, `seeds` and `train` agree.
      folder: where the files go.

    Returns:
      Lines of text for the terminal.

    Raises:
      Refusal: if a configuration cannot be used, or the study cannot be made of such networks.
    """
    cfg = next(iter(cfgs.values()))
    networks = config.validated(cfg.seeds, Size, "seeds")
    make = subjects.trained if config.validated(cfg.train, bool, "train") else subjects.untrained
    experiments = {name: build(each) for name, each in cfgs.items()}
    return _study(cfg.study, [make(name, each, networks) for name, each in experiments.items()], Path(folder))


def study_run(cfg, folder):
    """Runs a study of the network of a run folder, into it.

    Arguments but for `folder`, the run folder, and results as in `study_models`.
    """
    config.check(cfg)
    return _study(cfg.study, [_of_run(folder, cfg.checkpoints)], Path(str(folder)))


def _of_run(folder, checkpoints):
    """The network of a run folder: its best params, or those of every checkpoint that the run kept.

    Args:
      folder: the run folder.
      checkpoints: "best" or "all".

    Raises:
      Refusal: if the folder is none, or its checkpoints cannot be read.
    """
    checkpoints = config.validated(checkpoints, Literal["best", "all"], "checkpoints")
    if checkpoints == "best":
        run = runs.load(folder)
        experiment, moments = run.experiment, {run.step: run.params}
    else:
        experiment, moments = runs.moments(folder)
    model = experiment.cfg.model
    name = model.get("cell", model)._target_.split(".")[-2]
    params = [jax.tree.map(lambda a: np.asarray(a)[None], params) for params in moments.values()]
    return subjects.Subject(name, experiment, np.array(list(moments)), subjects.stacked(params))


def _study(node, found, folder):
    measure = config.build(node)
    module = importlib.import_module(measure.func.__module__)
    name = module.__name__.rpartition(".")[2]
    try:
        result = measure(found)
    except ValueError as error:
        raise Refusal(f"study {name}: {error}") from error
    try:
        np.savez_compressed(folder / f"{name}.npz", **result.arrays)
        logging.write_table(folder / f"{name}.csv", result.rows)
        figures = [plotting.publish(figure, folder, title) for title, figure in module.plot(result).items()]
    except OSError as error:
        raise Refusal(f"{error}") from error
    places = [str(folder / f"{name}.csv"), str(folder / f"{name}.npz"), *(str(path) for path in figures)]
    return [*result.findings, f"in {', '.join(places)}"]
