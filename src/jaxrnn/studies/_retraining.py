"""Networks of a study that trains: an ensemble's configuration with another value, and what is said of trained ones."""

from omegaconf import OmegaConf

from jaxrnn.experiments.build import build


def reconfigured(ensemble, key, value):
    """The `Experiment` that differs from an ensemble's in one key.

    Raises:
      ValueError: if it comes from no configuration, or the configuration has no such key.
      ConfigError: if the value cannot be used.
    """
    cfg = None if ensemble.experiment is None else ensemble.experiment.cfg
    if cfg is None or OmegaConf.select(cfg, key) is None:
        raise ValueError(f"it varies {key}: give networks that come from a configuration with that key")
    changed = OmegaConf.create(OmegaConf.to_container(cfg))
    OmegaConf.update(changed, key, value)
    return build(changed)


def trained_anew(ensemble):
    """What a study that trains says of a network that is trained already: a list of a sentence, or an empty one."""
    if int(ensemble.steps[-1]) == 0:
        return []
    return [f"{ensemble.name}: trained anew, from its seed on; the params that were given are not used"]
