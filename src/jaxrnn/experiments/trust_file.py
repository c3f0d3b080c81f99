"""The user's file of trust: the modules and files that the runs in a folder may use, given once.

    # ~/.config/jaxrnn/trust.yaml
    /home/me/project: [mine, /data/series.csv]

The file stands in the user's configuration folder and names the folders that it trusts. No file in a run folder, a
sweep or the working directory is read, so that a folder from somebody else cannot grant trust to itself.
"""

import os
import re
import stat
from pathlib import Path

from jaxrnn.errors import ConfigError

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def path():
    """Returns the path of the file: `jaxrnn/trust.yaml` in `$XDG_CONFIG_HOME`, by default `~/.config`."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "")
    return (home if home.is_absolute() else Path.home() / ".config") / "jaxrnn" / "trust.yaml"


def granted(folder):
    """Returns the modules and files that the user's file trusts for a run folder: those of every folder above it.

    Raises:
      ConfigError: if the file is damaged, or somebody else could have written it.
    """
    file = path()
    if not file.is_file():
        return ()
    _check_owner(file)
    run = Path(str(folder)).resolve()
    return tuple(name for parent, names in _content(file).items() if run.is_relative_to(parent) for name in names)


def _check_owner(file):
    """Raises a `ConfigError` if another user owns the file or its folder, or may write there."""
    for part in (file, file.parent):
        status = part.stat()
        if hasattr(os, "getuid") and status.st_uid not in (os.getuid(), 0):
            raise ConfigError(
                f"{part} belongs to another user (number {status.st_uid}), so it cannot grant trust; if you trust its "
                f"content, make it your own: sudo chown {os.getuid()} {part}"
            )
        if os.name == "posix" and status.st_mode & OTHERS_WRITE:
            raise ConfigError(f"{part}: other users may write here, so it cannot grant trust; chmod go-w {part}")


def _content(file):
    """Reads {absolute folder: names of modules and absolute paths} and checks it."""
    from yaml import YAMLError, safe_load

    try:
        content = safe_load(file.read_text("utf-8"))
    except (YAMLError, ValueError) as error:
        raise ConfigError(f"{file} is damaged: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: expected FOLDER: [MODULE, PATH, ...]")
    return {_folder(key, file): [_name(name, file) for name in _listed(value)] for key, value in content.items()}


def _listed(value):
    return value if isinstance(value, list) else [value]


def _folder(key, file):
    parent = Path(str(key)).expanduser()
    if not parent.is_absolute() or parent.resolve() == parent.resolve().parent:
        raise ConfigError(f"{file}: {key}: expected the absolute path of a folder below the root")
    return parent.resolve()


def _name(name, file):
    if not isinstance(name, str) or not (MODULE.fullmatch(name) or Path(name).expanduser().is_absolute()):
        raise ConfigError(f"{file}: {name}: expected the name of a module or an absolute path")
    return name if MODULE.fullmatch(name) else str(Path(name).expanduser())
