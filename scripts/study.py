"""Studies new networks, python scripts/study.py study=gradient_flow model=lstm, or a trained one, run=PATH."""

import sys

from jaxrnn.experiments.command_line import config_errors, main


def study(cfg):
    from hydra.core.hydra_config import HydraConfig

    from jaxrnn import runtime  # imported here, so that --help does not import JAX
    from jaxrnn.studies import _runner as runner

    runtime.prepare()
    with config_errors():
        print("\n".join(runner.run(cfg, HydraConfig.get())))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(study, "study_run" if any(word.startswith("run=") for word in arguments) else "study", arguments)
