"""Measures speed, compared with other tools: python scripts/benchmark.py benchmark=sweep."""

import sys

from jaxrnn.experiments.command_line import config_errors, main


def benchmark(cfg):
    from hydra.core.hydra_config import HydraConfig

    from jaxrnn import runtime
    from jaxrnn.benchmarks import _timing as timing

    runtime.prepare()
    with config_errors():
        runtime_settings = HydraConfig.get().runtime
        folder = runtime_settings.output_dir
        print("\n".join(timing.run(cfg, runtime_settings.choices.benchmark, folder)))
    print(f"in {folder}")


if __name__ == "__main__":
    main(benchmark, "benchmark", sys.argv[1:])
