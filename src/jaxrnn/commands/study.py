"""Studies how gradients flow in new networks or in a trained one."""

from jaxrnn.experiments.command_line import config_errors, main, with_key


def study(cfg):
    from hydra.core.hydra_config import HydraConfig

    from jaxrnn import runtime, studies  # imported here, so that --help does not import JAX

    runtime.prepare()
    with config_errors():
        print("\n".join(studies.run(cfg, HydraConfig.get())))


def start(arguments):
    """Studies new networks, or with `run=PATH` the network of a run folder."""
    arguments = with_key(arguments, "run")
    main(study, "study_run" if any(word.startswith("run=") for word in arguments) else "study", arguments)
