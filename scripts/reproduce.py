"""Measures published claims: python scripts/reproduce.py paper=pascanu_2013; for all papers: -m 'paper=glob(*)'."""

import sys

from jaxrnn.experiments.command_line import config_errors, main


def reproduce(cfg):
    import shlex
    import time

    from hydra.core.hydra_config import HydraConfig

    from jaxrnn import runtime
    from jaxrnn.experiments import schema

    runtime.prepare()
    start = time.perf_counter()
    with config_errors():
        hydra = HydraConfig.get()
        schema.prepare(cfg)
        reproduction = schema.instantiate(cfg.paper, quick=schema.validated(cfg.quick, bool, "quick"))
        command = f"python scripts/reproduce.py {shlex.join(hydra.overrides.task)}"
        width = schema.instantiate(cfg.figure).width
        lines = reproduction.write(hydra.runtime.output_dir, command, time.perf_counter() - start, width)
    print("\n".join([reproduction.paper, *lines, f"in {hydra.runtime.output_dir}"]))


if __name__ == "__main__":
    main(reproduce, "reproduce", sys.argv[1:])
