"""Trains a network or a sweep, or resumes a run."""

import signal
import sys

from jaxrnn.errors import DiskError
from jaxrnn.experiments.command_line import config_errors, end_at_signals, main


def train(cfg):
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    folder = HydraConfig.get().runtime.output_dir
    if HydraConfig.get().mode is not RunMode.MULTIRUN:
        with config_errors():
            return _train(cfg, folder, many=False)
    try:  # a run with an invalid configuration does not stop the others
        return _train(cfg, folder, many=True)
    except (OSError, DiskError):  # a disk error does, because it would stop the others too
        with config_errors():
            raise


def _train(cfg, folder, many):
    from jaxrnn import runtime  # imported here, so that --help does not import JAX
    from jaxrnn.experiments import run_folder, schema
    from jaxrnn.sweeps import schedule

    runtime.prepare()
    if "resume" in cfg:
        folder = cfg.resume
        summary = run_folder.resume(folder, cfg.trainer.steps, schema.listed(cfg.trust, "trust"))
    elif cfg.together:
        return schedule.train_inside_job(cfg.together, folder)
    else:
        summary = (run_folder.train_one_of_many if many else run_folder.train)(cfg, folder)
    run_folder.say(summary, folder)
    if summary["status"] == "stopped":
        sys.exit(128 + signal.Signals[summary["reason"]])
    return summary["metrics"].get("validation", {}).get("loss")


def start(arguments):
    """Trains a run, resumes one, or trains a sweep; an interrupted sweep is resumed in its folder."""
    end_at_signals()
    is_resumed = any(word.startswith("resume=") for word in arguments)
    if {"-m", "--multirun"} & set(arguments):
        from jaxrnn.sweeps.callback import continued  # imported here, so that --help does not import Hydra

        arguments = continued(arguments)
    main(train, "resume" if is_resumed else "train", arguments)
