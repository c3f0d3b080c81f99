"""Jobs of a sweep: their configuration and their folder, before they are grouped."""

from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig, OmegaConf

from jaxrnn import atomic
from jaxrnn.experiments import run_folder, saved_config, schema
from jaxrnn.experiments.hydra_internals import to_yaml


class Job(NamedTuple):
    """A run of a sweep.

    Fields:
      number: its number in the sweep.
      cfg: its configuration, which `jaxrnn.experiments.schema.prepare` has accepted.
      folder: its run folder.
    """

    number: int
    cfg: DictConfig
    folder: Path


def prepare_job(number, cfg, folder, skipped=()):
    """Checks a configuration and builds its `Job`.

    Args:
      number, cfg, folder: fields of the `Job`.
      skipped: keys of the configuration that were checked before.

    Raises:
      ConfigError: if the configuration names an unknown factory, key or value, or the folder holds a run with another
        configuration.
    """
    schema.prepare(cfg, skipped=skipped)
    run_folder.refuse_another(folder, cfg)
    return Job(number, cfg, folder)


def write_config(job, overrides):
    """Writes the configuration of a job to the files that a launcher of Hydra would write."""
    file = saved_config.file(job.folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(file, to_yaml(job.cfg))
    atomic.write(file.with_name("overrides.yaml"), to_yaml(OmegaConf.create(list(overrides))))
