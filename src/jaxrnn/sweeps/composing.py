"""The configurations of many jobs, as Hydra composes them one by one; what they share is composed once."""

import copy
import functools
import json
from pathlib import Path
from typing import NamedTuple

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from jaxrnn.experiments.hydra_internals import directory_name, to_yaml
from jaxrnn.sweeps import schedule


class Composer:
    """The configurations of many jobs, as Hydra composes them one by one; what they share is composed once.

    Fields:
      jobs: {number: `jaxrnn.sweeps.schedule.Job`}, checked.
    """

    def __init__(self, hydra_context, master):
        self.jobs, self._texts = {}, {}
        self._loader, self._master, self._bases = hydra_context.config_loader, master, {}
        parser = OverridesParser.create(config_loader=self._loader)
        self._parsed = functools.cache(lambda word: parser.parse_overrides([word])[0])

    def add(self, overrides, number):
        """Composes a job and checks it; raises as `schedule.checked`."""
        _, values, base = self._base(overrides)
        cfg, whole = copy.deepcopy(base.task), base.cfg
        _set(cfg, values)
        self._texts[number] = to_yaml(cfg)
        if self._names_need_all(whole):
            whole = self._whole(overrides, number)
            HydraConfig.instance().set_config(whole)
        else:
            with open_dict(whole.hydra):
                whole.hydra.job.num = number
        folder = Path(str(whole.hydra.sweep.dir)) / str(whole.hydra.sweep.subdir)
        own = {override.key_or_group.partition(".")[0] for override in values}
        self.jobs[number] = schedule.checked(number, cfg, folder, skipped=base.good - own)
        for key in base.task.keys() - base.good - own:  # all further jobs have them so, unless they set values there
            if (text := _text(base.task, key)) == _text(cfg, key) and "${" not in text:
                base.good.add(key)

    def files(self, overrides, number):
        """{name: text} of the files that Hydra writes into the subfolder of a job."""
        parsed, _, base = self._base(overrides)
        task = [override for override in parsed if not override.is_hydra_override()]
        lines = [override.input_line for override in task]
        name = directory_name(task, base.cfg.hydra.job.config.override_dirname)
        changed = {
            "overrides": {"task": lines},
            "job": {"override_dirname": name, "id": str(number), "num": number},
            "runtime": {"output_dir": str(self.jobs[number].folder.absolute())},
        }
        hydra = base.hydra | {key: {**base.hydra[key], **new} for key, new in changed.items()}
        texts = {"config": self._texts.pop(number), "hydra": to_yaml({"hydra": hydra})}
        return texts | {"overrides": to_yaml(lines)}

    def _whole(self, overrides, number):
        """The configuration of a job, the node hydra included."""
        parsed, values, base = self._base(overrides)
        cfg = copy.deepcopy(base.cfg)
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
        """(all overrides, those that set values, the `_Base` by the others)."""
        parsed = [self._parsed(word) for word in overrides]
        values = [override for override in parsed if _sets_a_value(override)]
        others = tuple(override.input_line for override in parsed if override not in values)
        if others not in self._bases:
            cfg = self._loader.load_sweep_config(self._master, list(others))
            OmegaConf.copy_cache(self._master, cfg)
            task = OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])
            hydra = OmegaConf.to_container(cfg.hydra, resolve=False, enum_to_str=True)
            self._bases[others] = _Base(cfg, task, hydra, set())
        return parsed, values, self._bases[others]


class _Base(NamedTuple):
    """What jobs have in common that differ in values alone.

    Fields:
      cfg: the configuration before any value is set.
      task, hydra: the same without the node hydra, and that node in plain dicts.
      good: the keys of `task` that were checked.
    """

    cfg: DictConfig
    task: DictConfig
    hydra: dict
    good: set


def _sets_a_value(override):
    """Whether an override only sets a key: `++a.b=1`, as `jaxrnn.experiments.conf.force` writes them, or the seed."""
    plain = override.is_force_add() or override.key_or_group == "seed"
    return plain and override.package is None and not override.is_hydra_override()


def _text(cfg, key):
    return json.dumps(OmegaConf.to_container(OmegaConf.masked_copy(cfg, [key]), resolve=False), default=str)


def _set(cfg, values):
    with open_dict(cfg):
        for override in values:
            OmegaConf.update(cfg, override.key_or_group, override.value(), force_add=True)
