"""Trains networks: python scripts/train.py model=lstm data=sine; goes on with a run: resume=PATH; sweeps: -m."""

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
    try:  # where one run is refused, the others are trained all the same
        return _train(cfg, folder, many=True)
    except (OSError, DiskError):  # which the others would meet too
        with config_errors():
            raise


def _train(cfg, folder, many):
    from jaxrnn import runtime  # here, so that --help need not import JAX
    from jaxrnn.experiments import config, folders
    from jaxrnn.sweeps import schedule

    runtime.prepare()
    if "resume" in cfg:
        folder = cfg.resume
        summary = folders.resume(folder, cfg.trainer.steps, config.listed(cfg.trust, "trust"))
    elif cfg.together:
        return schedule.train_inside_job(cfg.together, folder)
    else:
        summary = (folders.train_one_of_many if many else folders.train)(cfg, folder)
    folders.say(summary, folder)
    if summary["status"] == "stopped":
        sys.exit(128 + signal.Signals[summary["reason"]])
    return summary["metrics"].get("validation", {}).get("loss")


def start(arguments):
    """Trains, goes on with a run, or sweeps; a sweep that was interrupted goes on in its folder."""
    end_at_signals()
    resumed = any(word.startswith("resume=") for word in arguments)
    if {"-m", "--multirun"} & set(arguments):
        from jaxrnn.sweeps.callback import continued  # here, so that --help need not import Hydra

        arguments = continued(arguments)
    main(train, "resume" if resumed else "train", arguments)


if __name__ == "__main__":
    start(sys.argv[1:])
