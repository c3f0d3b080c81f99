"""Hydra's launcher and sweeper for jaxrnn; the work is done in `jaxrnn.sweeps`."""

import os
from typing import Any

from hydra.core.utils import JobReturn, JobStatus, configure_log, setup_globals
from hydra.plugins.launcher import Launcher
from omegaconf import OmegaConf

from jaxrnn import atomic
from jaxrnn.experiments.hydra_internals import NO_RUNS, basic_sweeper


class CheckedSweeper(basic_sweeper()):
    """Hydra's grid sweeper, which checks every job before the first one starts.

    Raises:
      ConfigError: before any training, for the first job with an unknown or invalid configuration, or with a folder
        that contains a run of another configuration. For jobs that fail later for such a reason, after all others.
    """

    launcher: Any  # `setup` sets these three
    config: Any
    hydra_context: Any

    def __init__(self, max_batch_size=None, params=None):
        super().__init__(max_batch_size, params)
        self._checked_count, self._refused_jobs = 0, []

    def setup(self, *, hydra_context, task_function, config):
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        launch = self.launcher.launch
        if getattr(self.launcher, "_EXECUTOR", None) == "slurm":
            from jaxrnn.sweeps.slurm import waiting

            launch = waiting(launch)
        self.launcher.launch = lambda *args, **kwargs: [self._note_refused(job) for job in launch(*args, **kwargs)]

    def sweep(self, arguments):
        returns = super().sweep(arguments)
        if self._refused_jobs:
            from jaxrnn.errors import ConfigError

            number, overrides, error = self._refused_jobs[0]
            run = f"run {number} ({' '.join(word.removeprefix('++') for word in overrides)})"
            others = f"; {len(self._refused_jobs) - 1} more were refused" if len(self._refused_jobs) > 1 else ""
            raise ConfigError(f"{run}: {error}{others}")
        return returns

    def _note_refused(self, job):
        """Remembers a job with an invalid configuration, which is reported at the end, and marks it as completed."""
        from jaxrnn.errors import ConfigError

        if job.status is JobStatus.FAILED and isinstance(job._return_value, ConfigError):
            self._refused_jobs.append((job.hydra_cfg.hydra.job.num, job.overrides, job._return_value))
            job.status, job.return_value = JobStatus.COMPLETED, None
        return job

    def validate_batch_is_legal(self, batch):
        from jaxrnn.errors import ConfigError
        from jaxrnn.runtime import processes
        from jaxrnn.sweeps.callback import tell_jobs
        from jaxrnn.sweeps.composing import Composer

        if not batch:
            raise ConfigError(NO_RUNS)
        if processes()[1] > 1 and not isinstance(self.launcher, CompiledLauncher):
            raise ConfigError("a sweep in several processes requires hydra/launcher=compiled")
        if self.config.hydra.output_subdir != ".hydra":
            raise ConfigError(
                "hydra.output_subdir must be .hydra, the folder where jaxrnn looks for a run's configuration"
            )
        composer = Composer(self.hydra_context, self.config)
        for number, overrides in enumerate(batch, self._checked_count):
            composer.add(overrides, number)
        self._checked_count += len(batch)
        tell_jobs(self.config.hydra.sweep.dir, self._checked_count)
        if isinstance(self.launcher, CompiledLauncher):
            self.launcher.composer = composer


class CompiledLauncher(Launcher):
    """Trains the jobs of a sweep in compiled groups.

    It requires `CheckedSweeper`, which gives it the composed jobs.

    Args:
      options: the fields of `jaxrnn.sweeps.halving.Options`.
    """

    def __init__(self, **options):
        self.options = options
        self.composer: Any = None

    def setup(self, *, hydra_context, task_function, config):
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides, initial_job_idx):
        from jaxrnn import runtime
        from jaxrnn.errors import ConfigError
        from jaxrnn.experiments import schema
        from jaxrnn.sweeps import schedule

        if self.composer is None:
            raise ConfigError("hydra/launcher=compiled works only with the command train and hydra/sweeper=checked")
        node = OmegaConf.create({"launcher": {"_target_": "jaxrnn.sweeps.halving.Options", **self.options}})
        schema.prepare(node, "hydra.")
        setup_globals()
        configure_log(self.config.hydra.job_logging, self.config.hydra.verbose)
        runtime.prepare()
        numbers = range(initial_job_idx, initial_job_idx + len(job_overrides))
        jobs, returns = [self.composer.jobs[number] for number in numbers], {}

        def write_folders():
            for job, overrides in zip(jobs, job_overrides, strict=True):
                texts = self.composer.files(overrides, job.number)
                job_return = _write_folder(job, texts, job.folder / self.config.hydra.output_subdir)
                job_return.overrides, job_return.task_name = list(overrides), self.config.hydra.job.name
                returns[job.number] = job_return

        summaries = schedule.train(jobs, self.config.hydra.sweep.dir, schema.instantiate(node.launcher), write_folders)
        for number, job_return in returns.items():
            _set_outcome(job_return, summaries.get(number))
        return [returns[number] for number in numbers]


def _set_outcome(job_return, summary):
    """Sets the status and the value that Hydra returns for a job; without a summary, another process trains it."""
    from jaxrnn.errors import ConfigError
    from jaxrnn.sweeps.progress import score

    if summary is None:
        job_return.return_value, job_return.status = None, JobStatus.COMPLETED
        return
    failed = summary["status"] == "failed"
    job_return.status = JobStatus.FAILED if failed else JobStatus.COMPLETED
    job_return.return_value = ConfigError(summary["reason"]) if failed else score(summary)


def _write_folder(job, texts, folder):
    """Writes the files that Hydra's `run_job` writes for a job, because jobs are trained in groups without it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with atomic.aside(folder / f"{name}.yaml") as temporary_path:
            temporary_path.write_text(text)
    hydra = OmegaConf.create({"hydra": {"job": {"num": job.number}}})
    return JobReturn(cfg=job.cfg, hydra_cfg=hydra, working_dir=os.getcwd())
