"""Where the configurations are: `conf/` beside the scripts, or in the installed package."""

import re
from pathlib import Path

from jaxrnn.errors import ConfigError

NO_NAME = re.compile(r"[+-]?(\d[\d_.e+-]*|inf|nan)|true|false|[\[{].*[\]}]|''|\"\"|", re.IGNORECASE)
LISTS = ("callbacks", "probes")
NEEDED = ("model", "data", "optimizer", "unroll", "trainer")  # groups of every run
_BESIDE, _INSTALLED = Path(__file__).parents[3] / "conf", Path(__file__).parents[1] / "conf"
CONF = _BESIDE if (_BESIDE / "train.yaml").is_file() else _INSTALLED


def compose(name, overrides, with_hydra=False):
    """The configuration that a script would get: `conf/NAME.yaml` under overrides as on its command line.

    Works inside a script, where Hydra is initialised, and anywhere else. `with_hydra` adds the node hydra.
    """
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    overrides = [force(text) for text in overrides]
    if GlobalHydra.instance().is_initialized():
        return hydra.compose(name, overrides, return_hydra_config=with_hydra)
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = hydra.compose(name, overrides, return_hydra_config=with_hydra)
    OmegaConf.set_struct(cfg, False)
    return cfg


def force(argument):
    """An argument as Hydra takes it: `a.b=1` as `++a.b=1`, so that the key is set whether or not the YAML lists it, and
    `group=null` as `~group`; others as they are.

    Groups of `LISTS` take a list of names.

    Raises:
      ConfigError: if a run cannot be without the group, or the group is set to what is no name.
    """
    key, equals, value = argument.partition("=")
    group = key.lstrip("+")
    if equals and group and (CONF / group).is_dir():
        if value == "null":
            if key in NEEDED:
                raise ConfigError(f"{argument}: a run cannot be without it")
            return f"~{group}"
        names = value.strip("[] ").split(",") if value.startswith("[") and group in LISTS else [value]
        if names != [""] and any(NO_NAME.fullmatch(name.strip()) for name in names):
            options = ", ".join(sorted(file.stem for file in (CONF / group).glob("*.yaml")))
            raise ConfigError(f"{argument}: no such {group}; there are: {options}")
    plain = equals and "." in key and "/" not in key and not key.startswith(("+", "~", "-", "hydra."))
    return f"++{argument}" if plain else argument
