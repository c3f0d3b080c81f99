"""Measures published claims."""

from jaxrnn.experiments.command_line import config_errors, main


def reproduce(cfg):
    import time

    from hydra.core.hydra_config import HydraConfig

    from jaxrnn import hints, runtime
    from jaxrnn.experiments import schema

    runtime.prepare()
    start = time.perf_counter()
    with config_errors():
        hydra = HydraConfig.get()
        schema.prepare(cfg)
        reproduction = schema.instantiate(cfg.paper, quick=schema.validated(cfg.quick, bool, "quick"))
        command = hints.command("reproduce", hydra.overrides.task)
        width = schema.instantiate(cfg.figure).width
        lines = reproduction.write(hydra.runtime.output_dir, command, time.perf_counter() - start, width)
    print("\n".join([reproduction.paper, *lines, f"in {hydra.runtime.output_dir}"]))


def start(arguments):
    """Measures the claims of the paper that the arguments choose, or of several with -m."""
    main(reproduce, "reproduce", arguments)
