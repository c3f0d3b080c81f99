"""Finds and composes the configurations: the folder `conf/` next to `scripts/`, or inside the installed package."""

import re
from pathlib import Path

from jaxrnn.errors import ConfigError
from jaxrnn.experiments import nodes

NOT_A_NAME = re.compile(r"[+-]?(\d[\d_.e+-]*|inf|nan)|true|false|[\[{].*[\]}]|''|\"\"|", re.IGNORECASE)
_CHECKOUT, _INSTALLED = Path(__file__).parents[3] / "conf", Path(__file__).parents[1] / "conf"
CONF = _CHECKOUT if (_CHECKOUT / "train.yaml").is_file() else _INSTALLED


def compose(name, overrides, with_hydra=False):
    """Composes the configuration that a script would get: `conf/NAME.yaml` with overrides as on the command line.

    Works whether or not Hydra is initialised. `with_hydra` adds the node `hydra`.
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
    """Rewrites a command-line argument for Hydra.

    - `a.b=1` becomes `++a.b=1`, so that the key is set whether or not the YAML lists it.
    - `group=null` becomes `~group`.
    - Every other argument stays as it is.

    Groups in `nodes.LISTS` accept a list of names.

    Raises:
      ConfigError: if every run requires the group, the value cannot be the name of a choice, or the key is missing.
    """
    key, equals, value = argument.partition("=")
    group = key.lstrip("+")
    if equals and not group:
        raise ConfigError(f"{argument}: expected KEY=VALUE")
    if equals and group and (CONF / group).is_dir():
        if value == "null":
            if key in nodes.REQUIRED:
                raise ConfigError(f"{argument}: every run requires {group}; choose one, {group}=NAME")
            return f"~{group}"
        names = value.strip("[] ").split(",") if value.startswith("[") and group in nodes.LISTS else [value]
        if names != [""] and any(NOT_A_NAME.fullmatch(name.strip()) for name in names):
            options = ", ".join(sorted(file.stem for file in (CONF / group).glob("*.yaml")))
            raise ConfigError(f"{argument}: no such {group}; there are: {options}")
    plain = equals and "." in key and "/" not in key and not key.startswith(("+", "~", "-", "hydra."))
    return f"++{argument}" if plain else argument
