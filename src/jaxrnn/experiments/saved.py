"""What the `.hydra/` of a run folder says of the run, read with care: it may be cut, empty, or somebody else's."""

import contextlib
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf

from jaxrnn import atomic, hints
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import references, trust
from jaxrnn.experiments.build import NODES
from jaxrnn.experiments.hydra_internals import load_yaml
from jaxrnn.training.checkpoints import Checkpoints


def config(folder, trusted=()):
    """The configuration of a run folder, which may be built.

    Args:
      folder: the run folder.
      trusted: see `trust.check`.

    Raises:
      ConfigError: if the folder is none, its configuration is damaged, or it calls or reads what is not trusted.
    """
    cfg = read(folder)
    if missing := [name for name in ("seed", *NODES) if name not in cfg]:
        raise ConfigError(f"{file(folder)} is not the configuration of a run: it lacks {', '.join(missing)}")
    if missing := [name for name in NODES if not isinstance(cfg[name], DictConfig) or "_target_" not in cfg[name]]:
        raise ConfigError(f"{file(folder)} is damaged: {missing[0]} has no _target_")
    trust.check(cfg, folder, trusted)
    return cfg


def read(folder):
    """The configuration of a run folder as it stands there, to be looked at; what it names is not looked up.

    Raises:
      ConfigError: if the folder is no run folder, its file is damaged, which names the line, or it refers to anything
        but its own keys.
    """
    if not file(folder).is_file():
        if Checkpoints(folder).steps():
            raise ConfigError(
                f"{folder} holds a run of objects made in Python; give them too: jaxrnn.load(folder, net, dataset)"
            )
        raise ConfigError(f"{folder} is no run folder: it has no .hydra/config.yaml")
    cfg = _yaml(file(folder), DictConfig)
    references.check(OmegaConf.to_container(cfg, resolve=False), folder)
    return cfg


def overrides(folder):
    """The overrides that a run was started with, a list of texts; errors as of `read` and `trust.check_overrides`."""
    path = file(folder).with_name("overrides.yaml")
    found = OmegaConf.to_container(_yaml(path, ListConfig))
    if not all(isinstance(word, str) for word in found):
        raise ConfigError(f"{path} is damaged: it is no list of overrides")
    trust.check_overrides(found, path)
    return found


def keep(folder):
    """Has the disk take what Hydra wrote of a run's configuration, before a checkpoint counts on it."""
    place = file(folder).absolute().parent
    if place.is_dir():
        for path in (*atomic.whole(place, "*.yaml"), place, place.parent):
            atomic.sync(path)
        for folder in list(place.parent.parents)[:2]:
            with contextlib.suppress(PermissionError):  # one that may not be looked into
                atomic.sync(folder)


def how_to_resume(folder):
    """The command that resumes a run, with what its configuration needs to be trusted."""
    try:
        needed = trust.needed(read(folder), folder)
    except ConfigError:  # there is no configuration, or resuming says what is wrong with it
        needed = []
    return hints.command("train", resume=str(folder), **({"trust": needed} if needed else {}))


def file(folder):
    """Where the configuration of a run folder is."""
    return Path(str(folder)) / ".hydra" / "config.yaml"


def _line(path, error):
    """Where in a file YAML found an error, as the end of its name."""
    mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
    if mark is None and position is None:
        return ""
    line = mark.line if mark is not None else path.read_text(errors="replace")[:position].count("\n")
    return f", line {line + 1}"


def _reason(error):
    found = getattr(error, "problem", None) or getattr(error, "reason", None)
    return found or str(error).splitlines()[0]


def _yaml(path, kind):
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        found = load_yaml(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing") from error
    except YAMLError as error:
        raise ConfigError(f"{path}{_line(path, error)} is damaged: {_reason(error)}") from error
    except (ValueError, TypeError, RecursionError, OmegaConfBaseException) as error:  # not UTF-8, not YAML's types
        raise ConfigError(f"{path} is damaged: {str(error).splitlines()[0]}") from error
    if not isinstance(found, kind) or (kind is DictConfig and not len(found)):
        raise ConfigError(f"{path} is {'empty' if not path.read_bytes().strip() else 'damaged'}: it is no "
                          f"{'configuration' if kind is DictConfig else 'list of overrides'}")  # fmt: skip
    return found
