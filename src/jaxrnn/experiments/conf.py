"""Where the configurations are: `conf/` beside the scripts, or in the installed package."""

from pathlib import Path

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
    """`a.b=1` as `++a.b=1`: the key is set whether or not the YAML lists it; other arguments as they are."""
    key, equals, _ = argument.partition("=")
    plain = equals and "." in key and "/" not in key and not key.startswith(("+", "~", "-", "hydra."))
    return f"++{argument}" if plain else argument
