"""Puts the errors of Hydra, which have several lines and are about Hydra's grammar, into one line for the user."""

import contextlib
import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jaxrnn import hints, other_names
from jaxrnn.arguments import nearest
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import help as explained
from jaxrnn.experiments import nodes
from jaxrnn.experiments.compose import CONF

FUNCTION = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag|int|float|str|bool)\(")  # of Hydra's grammar


class Typed(NamedTuple):
    """Words that the user typed.

    Fields:
      config_name: name of the configuration that they change, `conf/CONFIG_NAME.yaml`; empty if nothing was typed.
      words: the arguments of a command, or of `jaxrnn.experiment`.
      in_python: whether they are the arguments of `jaxrnn.experiment`.
    """

    config_name: str
    words: Sequence[str]
    in_python: bool = False

    def keys(self, without):
        """Lists the keys that the command accepts with these words, except with those that set the key `without`."""
        words = [w for w in without_options(self.words) if w.lstrip("+~").partition("=")[0] != without]
        with contextlib.suppress(Exception):  # other errors in the arguments are reported once this one is fixed
            return explained.keys(self.config_name, words)
        return ()

    def quoted(self, word):
        """Writes what the user typed, with quotes around the value of one word."""
        key, _, value = word.partition("=")
        is_list = value.startswith("[") and value.endswith("]")
        fixed = hints.override(key, [part.strip() for part in value[1:-1].split(",")] if is_list else value)
        if self.in_python:
            return repr(fixed)
        words = [fixed if other == word else other for other in self.words]
        return hints.command({"resume": "train", "study_run": "study"}.get(self.config_name, self.config_name), words)


NOTHING_TYPED = Typed("", ())


def without_options(words):
    """Returns the arguments of a command that are not options."""
    return [word for word in words if not word.startswith("-")]


def one_line(error, typed):
    """Returns the message of an error in one line.

    Args:
      error: an error of Hydra or OmegaConf, a `ConfigError` or an `OSError`.
      typed: the words that the user `Typed`.
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
        return f"{unknown[1]}: {_unknown_key_message(unknown[1], typed)}"
    if isinstance(error, OverrideParseException):
        return _lexer_message(str(error.override).removeprefix("++"), error, typed)
    if several := re.match(r"(?:Ambiguous value for argument|Sweep parameters) '(.+)'(?: requires|\n)", str(error)):
        word = several[1].removeprefix("++")
        return f"{word}: several values; with -m the command trains a run for each; a list is KEY=[A,B]"
    if deleted := re.match(r"Could not delete from config. '([^']+)'", str(error)):
        return f"~{deleted[1]}: there is no {deleted[1]} to leave out"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(error) + (f": {error.__cause__}" if error.__cause__ and not isinstance(error, ConfigError) else "")
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def _lexer_message(word, error, typed):
    """Says why Hydra's grammar refuses a word, and writes the command with the quotes that it needs."""
    _, equals, value = word.partition("=")
    if not equals:
        groups = [file.parent.relative_to(CONF) for file in sorted(CONF.rglob(f"{word}.yaml")) if file.parent != CONF]
        examples = [f"{group}={word}" for group in groups] or (["resume=" + word] if Path(word).is_dir() else [])
        return f"{word}: expected KEY=VALUE" + (f", such as {examples[0]}" if examples else "")
    if FUNCTION.match(value):
        return f"{word}: {str(error.__cause__ or error).splitlines()[-1]}"
    return f"{word}: the value has characters that Hydra's grammar reserves; quote it: {typed.quoted(word)}"


def _unknown_key_message(key, typed):
    """Says that a key does not exist and suggests the nearest ones."""
    if typed.config_name not in nodes.FIXED and (hint := other_names.hint(key)):
        return f"no such key{hint}"
    keys_by_last_part = {}
    for name in typed.keys(without=key):
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
