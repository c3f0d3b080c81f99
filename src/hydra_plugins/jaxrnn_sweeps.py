"""Hydra's launcher and sweeper of jaxrnn's sweeps; the work is done in `jaxrnn.sweeps`."""

import os

from hydra.core.utils import JobReturn, JobStatus, configure_log, setup_globals
from hydra.plugins.launcher import Launcher
from omegaconf import OmegaConf

from jaxrnn import atomic
from jaxrnn.experiments.hydra_internals import NO_RUNS, basic_sweeper


class CheckedSweeper(basic_sweeper()):
    """Hydra's grid, every job of which is checked before the first one starts.

    Raises:
      ConfigError: at the first job whose configuration a factory does not know or does not take, or whose folder holds
        a run of another configuration; after all others were trained, where jobs were refused later.
    """

    def __init__(self, max_batch_size=None, params=None):
        super().__init__(max_batch_size, params)
        self._checked, self._refused = 0, []

    def setup(self, *, hydra_context, task_function, config):
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        launch = self.launcher.launch
        self.launcher.launch = lambda *args, **kwargs: [self._noted(done) for done in launch(*args, **kwargs)]

    def sweep(self, arguments):
        returns = super().sweep(arguments)
        if self._refused:
            from jaxrnn.errors import ConfigError

            number, overrides, error = self._refused[0]
            which = f"run {number} ({' '.join(word.removeprefix('++') for word in overrides)})"
            others = f"; {len(self._refused) - 1} more were refused" if len(self._refused) > 1 else ""
            raise ConfigError(f"{which}: {error}{others}")
        return returns

    def _noted(self, done):
        """What Hydra is told of a job; one that was refused is told of once, at the end."""
        from jaxrnn.errors import ConfigError

        if done.status is JobStatus.FAILED and isinstance(done._return_value, ConfigError):
            self._refused.append((done.hydra_cfg.hydra.job.num, done.overrides, done._return_value))
            done.status, done.return_value = JobStatus.COMPLETED, None
        return done

    def validate_batch_is_legal(self, batch):
        from jaxrnn.errors import ConfigError
        from jaxrnn.runtime import processes
        from jaxrnn.sweeps.callback import tell_jobs
        from jaxrnn.sweeps.composing import Composer

        if not batch:
            raise ConfigError(NO_RUNS)
        if processes()[1] > 1 and not isinstance(self.launcher, CompiledLauncher):
            raise ConfigError("several processes train a sweep together with hydra/launcher=compiled alone")
        if self.config.hydra.output_subdir != ".hydra":
            raise ConfigError(
                "hydra.output_subdir must stay .hydra, where what reads a run looks for its configuration"
            )
        composer = Composer(self.hydra_context, self.config)
        for number, overrides in enumerate(batch, self._checked):
            composer.add(overrides, number)
        self._checked += len(batch)
        tell_jobs(self.config.hydra.sweep.dir, self._checked)
        if isinstance(self.launcher, CompiledLauncher):
            self.launcher.composer = composer


class CompiledLauncher(Launcher):
    """Trains the jobs of a sweep in compiled groups.

    Args:
      options: the fields of `jaxrnn.sweeps.halving.Options`.

    Its sweeper is `CheckedSweeper`, which hands it the composed jobs.
    """

    def __init__(self, **options):
        self.options, self.composer = options, None

    def setup(self, *, hydra_context, task_function, config):
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides, initial_job_idx):
        from jaxrnn import runtime
        from jaxrnn.errors import ConfigError
        from jaxrnn.experiments import config
        from jaxrnn.sweeps import schedule

        if self.composer is None:
            raise ConfigError("hydra/launcher=compiled trains runs; it goes with scripts/train.py and its sweeper")
        node = OmegaConf.create({"launcher": {"_target_": "jaxrnn.sweeps.halving.Options", **self.options}})
        config.check(node, "hydra.")
        setup_globals()
        configure_log(self.config.hydra.job_logging, self.config.hydra.verbose)
        runtime.prepare()
        numbers = range(initial_job_idx, initial_job_idx + len(job_overrides))
        jobs, returns = [self.composer.jobs[number] for number in numbers], {}

        def write_folders():
            for job, overrides in zip(jobs, job_overrides, strict=True):
                texts = self.composer.files(overrides, job.number)
                done = _write_folder(job, texts, job.folder / self.config.hydra.output_subdir)
                done.overrides, done.task_name = list(overrides), self.config.hydra.job.name
                returns[job.number] = done

        summaries = schedule.train(jobs, self.config.hydra.sweep.dir, config.build(node.launcher), write_folders)
        for number, done in returns.items():
            _fill(done, summaries.get(number))
        return [returns[number] for number in numbers]


def _fill(done, summary):
    """Says in what Hydra returns of a job how it ended; without a summary another process trains it."""
    from jaxrnn.errors import ConfigError
    from jaxrnn.sweeps.progress import score

    if summary is None:
        done.return_value, done.status = None, JobStatus.COMPLETED
        return
    failed = summary["status"] == "failed"
    done.status = JobStatus.FAILED if failed else JobStatus.COMPLETED
    done.return_value = ConfigError(summary["reason"]) if failed else score(summary)


def _write_folder(job, texts, folder):
    """Writes what Hydra's `run_job` writes for a job: a job is not run here, it is trained with others."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with atomic.aside(folder / f"{name}.yaml") as other:
            other.write_text(text)
    hydra = OmegaConf.create({"hydra": {"job": {"num": job.number}}})
    return JobReturn(cfg=job.cfg, hydra_cfg=hydra, working_dir=os.getcwd())
