"""Reads the configuration in `.hydra/` of a run folder. The files may be damaged, empty or written by someone else."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from jaxrnn import hints
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, references, trust
from jaxrnn.experiments.hydra_internals import load_yaml
from jaxrnn.experiments.nodes import REQUIRED
from jaxrnn.storage.checkpoints import Checkpoints


def config(folder, trusted=()):
    """Reads the configuration of a run folder and checks that it is complete and safe to build.

    Args:
      folder: the run folder.
      trusted: see `trust.check`.

    Raises:
      ConfigError: if the folder is not a run folder, its configuration is damaged, or it uses a function or a file that
        is not trusted.
    """
    cfg = read(folder)
    if missing := [name for name in ("seed", *REQUIRED) if name not in cfg]:
        raise ConfigError(f"{file(folder)} is not the configuration of a run: it lacks {', '.join(missing)}")
    if missing := [name for name in REQUIRED if not isinstance(cfg[name], DictConfig) or "_target_" not in cfg[name]]:
        raise ConfigError(f"{file(folder)} is damaged: {missing[0]} has no _target_")
    trust.check(cfg, folder, trusted)
    return cfg


def read(folder) -> DictConfig:
    """Reads the configuration of a run folder, but does not check or import the functions that it names.

    Raises:
      ConfigError: if the folder is not a run folder, the file is damaged (the message names the line), or the
        configuration refers to anything except its own keys.
    """
    if not file(folder).is_file():
        if Checkpoints(folder).steps():
            raise ConfigError(
                f"{folder} contains a run that was trained from Python objects; call jaxrnn.load(folder, net, dataset)"
            )
        raise ConfigError(f"{folder} is not a run folder: .hydra/config.yaml is missing")
    cfg = _yaml(file(folder), DictConfig)
    references.check(OmegaConf.to_container(cfg, resolve=False), folder)
    return cfg


def overrides(folder) -> list[str]:
    """Reads the overrides that a run was started with, a list of strings.

    Raises:
      ConfigError: if the file is missing or damaged, or an override is not allowed (see `trust.check_overrides`).
    """
    path = file(folder).with_name("overrides.yaml")
    words: Any = OmegaConf.to_container(_yaml(path, ListConfig))
    if not all(isinstance(word, str) for word in words):
        raise ConfigError(f"{path} is damaged: expected a list of overrides")
    trust.check_overrides(words, path)
    return words


def how_to_resume(folder):
    """Returns the command that resumes a run, with the argument `trust` if its configuration requires it."""
    try:
        needed = trust.needed(read(folder), folder)
    except ConfigError:  # the configuration is missing or damaged: resuming reports it
        needed = []
    words = {"resume": str(folder)} | ({"trust": needed} if needed else {})
    return hints.command("train", [hints.override(key, value) for key, value in words.items()])


def file(folder):
    """Returns the path of the configuration of a run folder."""
    return Path(str(folder)) / ".hydra" / "config.yaml"


def run_folders(folder):
    """Lists the folders at or below a folder that contain a configuration, numbered ones by their number."""

    def natural(path):
        return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in path.parts]

    return sorted((path.parents[1] for path in Path(str(folder)).rglob(".hydra/config.yaml")), key=natural)


def _line(path, error):
    """Formats the line number of a YAML error, to follow the name of the file."""
    mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
    if mark is None and position is None:
        return ""
    line = mark.line if mark is not None else path.read_text(errors="replace")[:position].count("\n")
    return f", line {line + 1}"


def _reason(error):
    reason = getattr(error, "problem", None) or getattr(error, "reason", None)
    return reason or str(error).splitlines()[0]


def _yaml(path, kind) -> Any:
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        content = load_yaml(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing") from error
    except YAMLError as error:
        raise ConfigError(f"{path}{_line(path, error)} is damaged: {_reason(error)}") from error
    except (ValueError, TypeError, RecursionError, OmegaConfBaseException) as error:  # not UTF-8, or not a type of YAML
        raise ConfigError(f"{path} is damaged: {str(error).splitlines()[0]}") from error
    if not isinstance(content, kind) or (kind is DictConfig and not len(content)):
        raise ConfigError(
            f"{path} is {'empty' if not path.read_bytes().strip() else 'damaged'}: expected a "
            f"{'configuration' if kind is DictConfig else 'list of overrides'}"
        )
    return content


def check_steps(folder, cfg, steps):
    """Checks another number of updates for a run that resumes.

    Raises:
      ConfigError: if the run has made more updates already, or another value, such as the learning rate, depends on it.
    """
    if not (saved_steps := Checkpoints(folder).steps()):
        return
    if steps < saved_steps[-1]:
        raise ConfigError(
            f"trainer.steps={steps}: the run has already made {saved_steps[-1]} updates; give {saved_steps[-1]} or more"
        )
    dependent = [name for name, sources in comparing.sources(cfg).items() if "trainer.steps" in sources]
    if steps != cfg.trainer.steps and dependent:
        words = [word for word in overrides(folder) if word.lstrip("+").partition("=")[0] != "trainer.steps"]
        raise ConfigError(
            f"trainer.steps={steps}: {dependent[0]} depends on it, so the updates made so far would have been different"
            f"; train a new run with {hints.command('train', [*words, f'trainer.steps={steps}'])}"
        )
