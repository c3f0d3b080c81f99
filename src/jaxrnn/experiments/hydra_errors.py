"""Puts the errors of Hydra, which have several lines and are about Hydra's grammar, into one line for the user."""

import contextlib
import difflib
import re

from jaxrnn.arguments import nearest
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import help as explained
from jaxrnn.experiments.compose import CONF


def keys(config_name, words, without):
    """Lists the keys that a script accepts with these arguments, except those that set the key `without`."""
    with contextlib.suppress(Exception):  # other errors in the arguments are reported once this one is fixed
        return explained.keys(config_name, [w for w in words if w.lstrip("+~").partition("=")[0] != without])
    return ()


def one_line(error, keys):
    """Returns the message of an error in one line.

    Args:
      error: an error of Hydra or OmegaConf, a `ConfigError` or an `OSError`.
      keys: (without=key) -> the keys that the script accepts, see `keys`.
    """
    from hydra.errors import MissingConfigException, OverrideParseException  # here so that --help does not import Hydra

    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, option = error.missing_cfg_file.rpartition("/")
        options = ", ".join(error.options)
        close = difflib.get_close_matches(option, error.options, n=3, cutoff=0.5)
        return (
            f"{group}={option}: no such {group}; "
            + (f"nearest: {', '.join(close)}; " if close else "")
            + (
                f"there are: {options}"
                + f"; for a function of your own give {group}._target_={option}" * ("." in option)
                + "; joblib and submitit need pip install -e '.[launch]'" * (group == "hydra/launcher")
            )
        )
    if missing := re.match(r"You must specify '(\w+)'", str(error)):
        options = ", ".join(sorted(file.stem for file in (CONF / missing[1]).glob("*.yaml")))
        return f"{missing[1]} is missing; give it: {missing[1]}=...; there are: {options}"
    if unknown := re.match(r"Could not override '([^']+)'", str(error)):
        return f"{unknown[1]}: {_unknown_key_message(unknown[1], keys)}"
    if isinstance(error, OverrideParseException):
        word = str(error.override).removeprefix("++")
        return f"{word}: expected KEY=VALUE; put a value with special characters in quotes, KEY='\"VALUE\"'"
    if several := re.match(r"(?:Ambiguous value for argument|Sweep parameters) '(.+)'(?: requires|\n)", str(error)):
        word = several[1].removeprefix("++")
        return f"{word}: several values; with -m the command trains a run for each; a list is KEY=[A,B]"
    if deleted := re.match(r"Could not delete from config. '([^']+)'", str(error)):
        return f"~{deleted[1]}: there is no {deleted[1]} to leave out"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(error) + (f": {error.__cause__}" if error.__cause__ and not isinstance(error, ConfigError) else "")
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def _unknown_key_message(key, keys):
    """Says that a key does not exist and suggests the nearest ones."""
    keys_by_last_part = {}
    for name in keys(without=key):
        keys_by_last_part.setdefault(name.rpartition(".")[2], []).append(name)
    if key not in keys_by_last_part and key.partition(".")[0] in _known_names():
        return "cannot be set here"
    if (
        close := [key]
        if key in keys_by_last_part
        else difflib.get_close_matches(key, keys_by_last_part, n=3, cutoff=0.6)
    ):
        return f"no such key; nearest: {', '.join(name for last in close for name in keys_by_last_part[last])}"
    first = {name.partition(".")[0] for names in keys_by_last_part.values() for name in names}
    return f"no such key{nearest(key, sorted(first) or _known_names())}"


def _known_names():
    """Lists the groups and the top-level keys of all configurations."""
    keys = [key for file in sorted(CONF.glob("*.yaml")) for key in re.findall(r"^(\w+):", file.read_text(), re.M)]
    groups = [folder.name for folder in sorted(CONF.glob("*/"))]
    return [name for name in dict.fromkeys([*groups, *keys]) if name not in ("defaults", "hydra")]
