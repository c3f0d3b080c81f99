"""How fast, against what: python scripts/benchmark.py benchmark=sweep."""

import importlib

import hydra
from hydra.core.hydra_config import HydraConfig

from jaxrnn.config import refusals


@hydra.main(version_base="1.3", config_path="../conf", config_name="benchmark")
@refusals()
def main(cfg):
    from jaxrnn import config, timing
    from jaxrnn.devices import prepare

    prepare()
    config.check(cfg)
    name, folder = HydraConfig.get().runtime.choices.benchmark, HydraConfig.get().runtime.output_dir
    measured = config.build(cfg.benchmark)
    module = importlib.import_module(cfg.benchmark._target_.rpartition(".")[0])
    timing.write(measured, name, module.plot(measured), folder)
    print("\n".join(measured.findings))
    print(f"in {folder}")


if __name__ == "__main__":
    with refusals():
        main()
