"""Studies networks: python scripts/study.py study=gradient_flow model=lstm; those of a run: run=PATH."""

import sys

from jaxrnn.experiments.command_line import config_errors, main


def study(cfg):
    from hydra.core.hydra_config import HydraConfig

    from jaxrnn import runtime  # here, so that --help need not import JAX
    from jaxrnn.studies import _runner as runner

    runtime.prepare()
    with config_errors():
        print("\n".join(runner.run(cfg, HydraConfig.get())))


if __name__ == "__main__":
    given = sys.argv[1:]
    main(study, "study_run" if any(word.startswith("run=") for word in given) else "study", given)
