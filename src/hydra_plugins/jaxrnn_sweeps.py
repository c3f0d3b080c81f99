"""Hydra's doors to the sweeps of jaxrnn; the work is done in `jaxrnn.sweeps`."""

import copy
import os
from pathlib import Path

from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus, configure_log, setup_globals
from hydra.plugins.launcher import Launcher
from omegaconf import OmegaConf, open_dict, read_write


class CheckedSweeper(BasicSweeper):
    """Hydra's grid, every job of which is checked before the first one starts.

    Raises:
      Refusal: at the first job whose configuration a factory does not know or does not take, or whose folder holds a
        run of another configuration.
    """

    def __init__(self, max_batch_size=None, params=None):
        super().__init__(max_batch_size, params)
        self._checked = 0

    def validate_batch_is_legal(self, batch):
        from jaxrnn import resumption
        from jaxrnn.config import Refusal
        from jaxrnn.devices import processes

        if processes()[1] > 1 and not isinstance(self.launcher, CompiledLauncher):
            raise Refusal("several processes train a sweep together with hydra/launcher=compiled alone")
        composer = Composer(self.hydra_context, self.config)
        for number, overrides in enumerate(batch, self._checked):
            composer.add(overrides, number)
        self._checked += len(batch)
        resumption.tell_jobs(self.config.hydra.sweep.dir, self._checked)
        if isinstance(self.launcher, CompiledLauncher):
            self.launcher.composer = composer


class CompiledLauncher(Launcher):
    """Trains the jobs of a sweep in compiled groups.

    Args:
      options: the fields of `jaxrnn.together.Options`.

    Its sweeper is `CheckedSweeper`, which hands it the composed jobs.
    """

    def __init__(self, **options):
        self.options, self.composer = options, None

    def setup(self, *, hydra_context, task_function, config):
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides, initial_job_idx):
        from jaxrnn import config, sweeps
        from jaxrnn.devices import prepare

        if self.composer is None:
            raise config.Refusal("hydra/launcher=compiled trains runs; it goes with scripts/train.py and its sweeper")
        node = OmegaConf.create({"launcher": {"_target_": "jaxrnn.together.Options", **self.options}})
        config.check(node, "hydra.")
        setup_globals()
        configure_log(self.config.hydra.job_logging, self.config.hydra.verbose)
        prepare()
        numbers = range(initial_job_idx, initial_job_idx + len(job_overrides))
        jobs = [self.composer.jobs[number] for number in numbers]
        returns = {}

        def write_folders():
            for job, overrides in zip(jobs, job_overrides, strict=True):
                returns[job.number] = _write_folder(job, self.composer.whole(overrides, job.number))

        summaries = sweeps.train(jobs, self.config.hydra.sweep.dir, config.build(node.launcher), write_folders)
        for number, done in returns.items():
            if number not in summaries:  # another process trains it
                done.return_value, done.status = None, JobStatus.COMPLETED
                continue
            failed = summaries[number]["status"] == "failed"
            done.status = JobStatus.FAILED if failed else JobStatus.COMPLETED
            reason = config.Refusal(summaries[number]["reason"])
            done.return_value = reason if failed else sweeps.score(summaries[number])
        return [returns[number] for number in numbers]


def _write_folder(job, cfg):
    """What Hydra's `run_job` writes for a job, without its copies: a job is not run here, it is trained with others."""
    with read_write(cfg.hydra.runtime), open_dict(cfg.hydra.runtime):
        cfg.hydra.runtime.output_dir = str(job.folder.absolute())
    task, hydra = (OmegaConf.masked_copy(cfg, keys) for keys in ([k for k in cfg if k != "hydra"], ["hydra"]))
    overrides = cfg.hydra.overrides.task
    folder = job.folder / cfg.hydra.output_subdir
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("config", task), ("hydra", hydra), ("overrides", overrides)):
        (folder / f"{name}.yaml").write_text(OmegaConf.to_yaml(content))
    return JobReturn(
        overrides=list(overrides), cfg=task, hydra_cfg=hydra, working_dir=os.getcwd(), task_name=cfg.hydra.job.name
    )


class Composer:
    """The configurations of many jobs, as Hydra composes them one by one; what they share is composed once.

    Fields:
      jobs: {number: `jaxrnn.sweeps.Job`}, checked.
    """

    def __init__(self, hydra_context, master):
        self.jobs = {}
        self._loader, self._master, self._bases = hydra_context.config_loader, master, {}
        self._parser = OverridesParser.create(config_loader=self._loader)

    def add(self, overrides, number):
        """Composes a job and checks it; refusals as `CheckedSweeper`."""
        from jaxrnn import sweeps

        _, values, (base, task) = self._base(overrides)
        cfg = copy.deepcopy(task)
        _set(cfg, values)
        if self._names_need_all(base):
            base = self.whole(overrides, number)
            HydraConfig.instance().set_config(base)
        with open_dict(base.hydra):
            base.hydra.job.num = number
        folder = Path(str(base.hydra.sweep.dir)) / str(base.hydra.sweep.subdir)
        self.jobs[number] = sweeps.checked(number, cfg, folder)

    def whole(self, overrides, number):
        """The configuration of a job, the node hydra included."""
        parsed, values, (base, _) = self._base(overrides)
        cfg = copy.deepcopy(base)
        OmegaConf.copy_cache(self._master, cfg)
        _set(cfg, values)
        task = [override for override in parsed if not override.is_hydra_override()]
        with open_dict(cfg.hydra):
            cfg.hydra.overrides.task = [override.input_line for override in task]
            cfg.hydra.job.id = cfg.hydra.job.num = number
            naming = cfg.hydra.job.config.override_dirname
            cfg.hydra.job.override_dirname = get_overrides_dirname(
                overrides=task,
                kv_sep=naming.kv_sep,
                item_sep=naming.item_sep,
                exclude_keys=list(naming.exclude_keys),
            )
        return cfg

    @staticmethod
    def _names_need_all(base):
        """Whether the folder's name is made of more than the job's number."""
        return OmegaConf.to_container(base.hydra.sweep)["subdir"] != "${hydra.job.num}"

    def _base(self, overrides):
        """(all overrides, those that set values, (the configuration by the others, the same without hydra))."""
        parsed = self._parser.parse_overrides(list(overrides))
        values = [override for override in parsed if _sets_a_value(override)]
        others = tuple(override.input_line for override in parsed if override not in values)
        if others not in self._bases:
            base = self._loader.load_sweep_config(self._master, list(others))
            OmegaConf.copy_cache(self._master, base)
            self._bases[others] = base, OmegaConf.masked_copy(base, [key for key in base if key != "hydra"])
        return parsed, values, self._bases[others]


def _sets_a_value(override):
    """Whether an override only sets a key: `++a.b=1`, as `jaxrnn.config.force` writes them, or the seed."""
    plain = override.is_force_add() or override.key_or_group == "seed"
    return plain and override.package is None and not override.is_hydra_override()


def _set(cfg, values):
    with open_dict(cfg):
        for override in values:
            OmegaConf.update(cfg, override.key_or_group, override.value(), force_add=True)
