"""Where the configurations are: `conf/` beside the scripts, or in the installed package."""

from pathlib import Path

from jaxrnn.errors import ConfigError

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

    Raises:
      ConfigError: if a run cannot be without the group.
    """
    key, equals, value = argument.partition("=")
    if equals and value == "null" and (CONF / key.lstrip("+")).is_dir():
        if key in NEEDED:
            raise ConfigError(f"{argument}: a run cannot be without it")
        return f"~{key.lstrip('+')}"
    plain = equals and "." in key and "/" not in key and not key.startswith(("+", "~", "-", "hydra."))
    return f"++{argument}" if plain else argument
