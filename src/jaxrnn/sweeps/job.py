"""Jobs of a sweep: their configuration and their folder, before they are grouped."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig, OmegaConf

from jaxrnn import atomic
from jaxrnn.experiments import run_folder, saved_config, schema, tracking
from jaxrnn.experiments.hydra_internals import to_yaml


class Job(NamedTuple):
    """A run of a sweep.

    Fields:
      number: its number in the sweep.
      cfg: its configuration, which `jaxrnn.experiments.schema.prepare` has accepted.
      folder: its run folder.
      overrides: its overrides.
      name: its name in trackers: the overrides that not all jobs of the sweep have.
    """

    number: int
    cfg: DictConfig
    folder: Path
    overrides: Sequence[str] = ()
    name: str = ""


def prepare_job(number, cfg, folder, skipped=(), overrides=()):
    """Checks a configuration and builds its `Job`.

    Args:
      number, cfg, folder, overrides: fields of the `Job`.
      skipped: keys of the configuration that were checked before.

    Raises:
      ConfigError: if the configuration names an unknown factory, key or value, the folder holds a run with another
        configuration, or the package of a tracker is not installed.
    """
    schema.prepare(cfg, skipped=skipped)
    tracking.require(cfg)
    run_folder.refuse_another(folder, cfg)
    return Job(number, cfg, folder, overrides)


def with_names(jobs):
    """Names the jobs of a sweep by the overrides that not all of them have."""
    shared = set(jobs[0].overrides).intersection(*(job.overrides for job in jobs)) if len(jobs) > 1 else set()
    words_by_job = [[word for word in job.overrides if word not in shared] for job in jobs]
    return [job._replace(name=tracking.run_name(words)) for job, words in zip(jobs, words_by_job, strict=True)]


def write_config(job, overrides):
    """Writes the configuration of a job to the files that a launcher of Hydra would write."""
    file = saved_config.file(job.folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(file, to_yaml(job.cfg))
    atomic.write(file.with_name("overrides.yaml"), to_yaml(OmegaConf.create(list(overrides))))
