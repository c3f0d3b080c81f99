"""Writes the commands in messages so that the user can paste them: quoted for the shell and for Hydra."""

import os
import re
import shlex
import sys

PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.-]*")  # text that Hydra reads without quotes
MISSING = "???"  # OmegaConf's mark for a missing value
PROGRAM, SCRIPT = "jaxrnn", re.compile(r"(^|/)scripts/\w+\.py$")
WORDS = ("true", "false", "null", "nan", "inf")  # words that Hydra does not read as text


def program(name):
    """Returns the words that start a command, in the form that the user typed: `jaxrnn NAME` or a script."""
    return ["python", f"scripts/{name}.py"] if SCRIPT.search(sys.argv[0]) else ["jaxrnn", name]


def arguments():
    """Returns the arguments of this process without the words of `program`. `jaxrnn sweep` stands for `train -m`."""
    if os.path.basename(sys.argv[0]) != PROGRAM:
        return sys.argv[1:]
    return [*(["-m"] if sys.argv[1:2] == ["sweep"] else []), *sys.argv[2:]]


def command(name, words):
    """Returns a command line, quoted for the shell.

    Args:
      name: name of the command, such as "train".
      words: its arguments.
    """
    return shlex.join([*program(name), *words])


def argument(key, value):
    """Returns `override(key, value)`, quoted for the shell, to be added to a command."""
    return shlex.quote(override(key, value))


def override(key, value):
    """Returns "key=value" for Hydra. The value is a string or a list of strings; a list of one becomes a string."""
    if isinstance(value, str):
        return f"{key}={_written(value)}"
    return override(key, value[0]) if len(value) == 1 else f"{key}=[{','.join(map(_written, value))}]"


def quoted(text):
    """Returns a string in quotes, so that Hydra reads every character literally.

    `${`, which begins an interpolation in OmegaConf, gets a backslash. Hydra reads two backslashes before a quote as
    one. The quotes are double quotes, because the shell keeps them inside its single quotes.
    """
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    text = re.sub(r'(\\*)"', r'\1\1\\"', text)
    return '"' + re.sub(r"(\\+)\Z", r"\1\1", text) + '"'


def _written(text):
    """Writes a string for Hydra, in quotes if it needs them. The folder `???` gets a `./`: OmegaConf reads `???` as a
    missing value."""
    text = f"./{text}" if text == MISSING else text
    return text if _is_plain(text) else quoted(text)


def _is_plain(text):
    return PLAIN.fullmatch(text) is not None and text.lower() not in WORDS and any(map(str.isalpha, text))
