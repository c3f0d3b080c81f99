"""Studies how gradients flow in new networks, in a trained one, or in those of a sweep."""

from jaxrnn import hints
from jaxrnn.experiments.command_line import config_errors, main, with_key


def study(cfg):
    from hydra.core.hydra_config import HydraConfig

    from jaxrnn import runtime, studies  # imported here, so that --help does not import JAX

    runtime.prepare()
    with config_errors():
        print("\n".join(studies.run(cfg, HydraConfig.get())))


def start(arguments):
    """Studies new networks, or with `run=PATH` or paths those of run folders and sweeps."""
    keyed = with_key(arguments, "run")
    paths = [word for word, with_a_key in zip(arguments, keyed, strict=True) if word != with_a_key]
    if len(paths) > 1:
        keyed = [word for word in arguments if word not in paths] + [hints.override("run", paths)]
    main(study, "study_run" if any(word.startswith("run=") for word in keyed) else "study", keyed)
