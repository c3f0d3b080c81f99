"""Helpers for studies that train: the same configuration with another value, and a note on networks trained already."""

import jax
from omegaconf import OmegaConf

from jaxrnn.experiments.build import build
from jaxrnn.training.evaluation import mean_loss


def reconfigure(ensemble, key, value):
    """Returns the `Experiment` that differs from an ensemble's in one key.

    Raises:
      ValueError: if the ensemble does not come from a configuration, or its configuration lacks the key.
      ConfigError: if the value cannot be used.
    """
    cfg = None if ensemble.experiment is None else ensemble.experiment.cfg
    if cfg is None or OmegaConf.select(cfg, key) is None:
        raise ValueError(f"the study varies {key}: give networks that come from a configuration with that key")
    changed = OmegaConf.create(OmegaConf.to_container(cfg))
    OmegaConf.update(changed, key, value)
    return build(changed)


def retraining_note(ensemble):
    """Returns a sentence for a network that is trained already, in a list; an empty list for an untrained one."""
    if int(ensemble.steps[-1]) == 0:
        return []
    return [f"{ensemble.name}: trained again from its seed; the trained params are not used"]


def trivial_loss(dataset):
    """Returns the trivial predictor's mean loss on the first split."""
    split = next(iter(dataset.splits.values()))
    return float(jax.jit(lambda batch: mean_loss(dataset.loss, dataset.trivial(batch), batch))(split))
