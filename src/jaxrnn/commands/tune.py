"""Searches for good hyperparameters."""

from functools import partial

from jaxrnn.experiments.command_line import config_errors, end_at_signals, main

OPTIONS = ("--help", "-h", "--cfg", "-c", "--info", "-i")


def tune(space, cfg):
    from hydra.core.hydra_config import HydraConfig

    from jaxrnn import runtime
    from jaxrnn.sweeps import search

    runtime.prepare()
    with config_errors():
        print(search.run(cfg, HydraConfig.get(), space))


def start(arguments):
    """Starts a search; arguments with several values define the search space, the others go to Hydra."""
    end_at_signals()
    space = []
    if not set(OPTIONS) & set(arguments):
        with config_errors():
            from jaxrnn.sweeps import search

            arguments, space = search.split(arguments)
    main(partial(tune, space), "tune", arguments)
