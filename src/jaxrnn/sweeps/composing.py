"""Composes the configurations of many jobs as Hydra would one by one, but composes their common part only once."""

import copy
import functools
import json
from pathlib import Path
from typing import Any, NamedTuple

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from jaxrnn.experiments.hydra_internals import directory_name, to_yaml
from jaxrnn.sweeps.job import prepare_job


class Composer:
    """Composes the configurations of many jobs; the part that jobs have in common is composed once.

    Fields:
      jobs: {number: `jaxrnn.sweeps.job.Job`}, checked.
    """

    def __init__(self, hydra_context, master):
        self.jobs, self._texts = {}, {}
        self._loader, self._master, self._bases = hydra_context.config_loader, master, {}
        parser = OverridesParser.create(config_loader=self._loader)
        self._parsed = functools.cache(lambda word: parser.parse_overrides([word])[0])

    def add(self, overrides, number):
        """Composes a job and checks it; raises the errors of `prepare_job`."""
        _, values, base = self._base(overrides)
        cfg, full_cfg = copy.deepcopy(base.task), base.cfg
        _set(cfg, values)
        self._texts[number] = to_yaml(cfg)
        if self._names_need_all(full_cfg):
            full_cfg = self._compose_all(overrides, number)
            HydraConfig.instance().set_config(full_cfg)
        else:
            with open_dict(full_cfg.hydra):
                full_cfg.hydra.job.num = number
        folder = Path(str(full_cfg.hydra.sweep.dir)) / str(full_cfg.hydra.sweep.subdir)
        changed_keys = {override.key_or_group.partition(".")[0] for override in values}
        self.jobs[number] = prepare_job(number, cfg, folder, base.checked - changed_keys, overrides)
        # The check has accepted these keys. Later jobs have the same values there, unless they set them.
        for key in base.task.keys() - base.checked - changed_keys:
            if (text := _text(base.task, key)) == _text(cfg, key) and "${" not in text:
                base.checked.add(key)

    def files(self, overrides, number):
        """Returns {name: text} of the files that Hydra writes into the subfolder of a job."""
        parsed, _, base = self._base(overrides)
        task = [override for override in parsed if not override.is_hydra_override()]
        lines = [override.input_line for override in task]
        name = directory_name(task, base.cfg.hydra.job.config.override_dirname)
        changed = {
            "overrides": {"task": lines},
            "job": {"override_dirname": name, "id": str(number), "num": number},
            "runtime": {"output_dir": str(self.jobs[number].folder.absolute())},
        }
        hydra = base.hydra | {key: {**base.hydra[key], **values} for key, values in changed.items()}
        texts = {"config": self._texts.pop(number), "hydra": to_yaml({"hydra": hydra})}
        return texts | {"overrides": to_yaml(lines)}

    def _compose_all(self, overrides, number):
        """Composes the configuration of a job together with the node hydra."""
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
        """Returns whether the name of a job's folder uses more than the job's number."""
        sweep: Any = OmegaConf.to_container(base.hydra.sweep)
        return sweep["subdir"] != "${hydra.job.num}"

    def _base(self, overrides):
        """Returns (all parsed overrides, the overrides that only set values, the `_Base` of the other overrides)."""
        parsed = [self._parsed(word) for word in overrides]
        values = [override for override in parsed if _sets_a_value(override)]
        other_words = tuple(override.input_line for override in parsed if override not in values)
        if other_words not in self._bases:
            cfg = self._loader.load_sweep_config(self._master, list(other_words))
            OmegaConf.copy_cache(self._master, cfg)
            task = OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])
            hydra: Any = OmegaConf.to_container(cfg.hydra, resolve=False, enum_to_str=True)
            self._bases[other_words] = _Base(cfg, task, hydra, set())
        return parsed, values, self._bases[other_words]


class _Base(NamedTuple):
    """Common part of jobs that differ only in values.

    Fields:
      cfg: the configuration before any value is set.
      task: the same without the node hydra.
      hydra: the node hydra, as plain dicts.
      checked: keys of `task` that were checked.
    """

    cfg: DictConfig
    task: DictConfig
    hydra: dict
    checked: set


def _sets_a_value(override):
    """Returns whether an override only sets a key: the seed, or `++a.b=1` as written by `compose.force`."""
    plain = override.is_force_add() or override.key_or_group == "seed"
    return plain and override.package is None and not override.is_hydra_override()


def _text(cfg, key):
    return json.dumps(OmegaConf.to_container(OmegaConf.masked_copy(cfg, [key]), resolve=False), default=str)


def _set(cfg, values):
    with open_dict(cfg):
        for override in values:
            OmegaConf.update(cfg, override.key_or_group, override.value(), force_add=True)
