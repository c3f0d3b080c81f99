"""Measures speed on this machine, compared with other tools."""

from jaxrnn.experiments.command_line import config_errors, main


def benchmark(cfg):
    from hydra.core.hydra_config import HydraConfig

    from jaxrnn import benchmarks, runtime  # imported here, so that --help does not import JAX

    runtime.prepare()
    with config_errors():
        runtime_settings = HydraConfig.get().runtime
        folder = runtime_settings.output_dir
        print("\n".join(benchmarks.run(cfg, runtime_settings.choices["benchmark"], folder)))
    print(f"in {folder}")


def start(arguments):
    """Measures the benchmark that the arguments choose, or several with -m."""
    main(benchmark, "benchmark", arguments)
