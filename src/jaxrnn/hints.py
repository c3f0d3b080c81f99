"""Writes the commands in messages so that the user can paste them: quoted for the shell and for Hydra."""

import re
import shlex

PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.-]*")  # text that Hydra reads without quotes
MISSING = "???"  # OmegaConf's mark for a missing value
WORDS = ("true", "false", "null", "nan", "inf")  # words that Hydra does not read as text


def command(script, **values):
    """Returns the command line of a script.

    Args:
      script: name of the script, such as "train".
      values: {key: string or list of strings}.
    """
    return shlex.join(["python", f"scripts/{script}.py", *(override(key, value) for key, value in values.items())])


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
