"""Trains a network: python scripts/train.py model=lstm data=sine; goes on with a run: resume=PATH."""

import signal
import sys

import hydra
from hydra.core.hydra_config import HydraConfig

from jaxrnn.config import refusals

RESUME = any(argument.startswith("resume=") for argument in sys.argv)


@hydra.main(version_base="1.3", config_path="../conf", config_name="resume" if RESUME else "train")
@refusals()
def main(cfg):
    from jaxrnn import runs  # here, so that --help need not import JAX
    from jaxrnn.devices import keep_compiled, use_all_cores

    use_all_cores()
    keep_compiled()
    folder = cfg.resume if RESUME else HydraConfig.get().runtime.output_dir
    summary = runs.resume(folder, cfg.trainer.steps) if RESUME else runs.train(cfg, folder)
    print(runs.report(summary, folder))
    if summary["status"] == "stopped":
        sys.exit(128 + signal.Signals[summary["reason"]])
    return summary["metrics"].get("validation", {}).get("loss")


if __name__ == "__main__":
    with refusals():
        main()
