"""Trains networks: python scripts/train.py model=lstm data=sine; goes on with a run: resume=PATH; sweeps: -m."""

import signal
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from jaxrnn.config import Refusal, refusals
from jaxrnn.resumption import continued

RESUME = any(argument.startswith("resume=") for argument in sys.argv)


@hydra.main(version_base="1.3", config_path="../conf", config_name="resume" if RESUME else "train")
def main(cfg):
    if HydraConfig.get().mode is RunMode.MULTIRUN:  # where one run is refused, the others are trained all the same
        return train(cfg)
    with refusals():
        return train(cfg)


def train(cfg):
    import jax  # here, so that --help need not import it

    from jaxrnn import runs
    from jaxrnn.devices import prepare

    prepare()
    folder = cfg.resume if RESUME else HydraConfig.get().runtime.output_dir
    if not RESUME and cfg.together:
        return train_together(cfg, folder)
    if RESUME:
        summary = runs.resume(folder, cfg.trainer.steps)
    elif HydraConfig.get().mode is RunMode.MULTIRUN:
        summary = runs.train_one_of_many(cfg, folder)
    else:
        summary = runs.train(cfg, folder)
    if jax.process_index() == 0:
        print(runs.report(summary, folder))
    if summary["status"] == "stopped":
        sys.exit(128 + signal.Signals[summary["reason"]])
    return summary["metrics"].get("validation", {}).get("loss")


def train_together(cfg, folder):
    from jaxrnn import sweeps

    given = [text for text in HydraConfig.get().overrides.task if not text.startswith("together=")]
    summaries = sweeps.train_together(given, cfg.together, lambda words: hydra.compose("train", words), folder)
    if failed := [f"run {number}: {s['reason']}" for number, s in summaries.items() if s["status"] == "failed"]:
        raise Refusal(failed[0])
    return min((loss for s in summaries.values() if (loss := sweeps.score(s)) is not None), default=None)


if __name__ == "__main__":
    with refusals():
        sys.argv[1:] = continued(sys.argv[1:])
        main()
