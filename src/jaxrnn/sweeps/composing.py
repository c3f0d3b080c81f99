"""The configurations of many jobs, as Hydra composes them one by one; what they share is composed once."""

import copy
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf, open_dict

from jaxrnn.experiments.hydra_internals import directory_name
from jaxrnn.sweeps import schedule


class Composer:
    """The configurations of many jobs, as Hydra composes them one by one; what they share is composed once.

    Fields:
      jobs: {number: `jaxrnn.sweeps.schedule.Job`}, checked.
    """

    def __init__(self, hydra_context, master):
        self.jobs = {}
        self._loader, self._master, self._bases = hydra_context.config_loader, master, {}
        self._parser = OverridesParser.create(config_loader=self._loader)

    def add(self, overrides, number):
        """Composes a job and checks it; raises as `schedule.checked`."""
        _, values, (base, task) = self._base(overrides)
        cfg = copy.deepcopy(task)
        _set(cfg, values)
        if self._names_need_all(base):
            base = self.whole(overrides, number)
            HydraConfig.instance().set_config(base)
        with open_dict(base.hydra):
            base.hydra.job.num = number
        folder = Path(str(base.hydra.sweep.dir)) / str(base.hydra.sweep.subdir)
        self.jobs[number] = schedule.checked(number, cfg, folder)

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
            cfg.hydra.job.override_dirname = directory_name(task, cfg.hydra.job.config.override_dirname)
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
    """Whether an override only sets a key: `++a.b=1`, as `jaxrnn.experiments.conf.force` writes them, or the seed."""
    plain = override.is_force_add() or override.key_or_group == "seed"
    return plain and override.package is None and not override.is_hydra_override()


def _set(cfg, values):
    with open_dict(cfg):
        for override in values:
            OmegaConf.update(cfg, override.key_or_group, override.value(), force_add=True)
