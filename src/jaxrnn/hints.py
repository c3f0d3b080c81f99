"""Commands in messages, written so that they can be pasted: for the shell, and for Hydra's grammar inside it."""

import re
import shlex

PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.-]*")  # letters that Hydra takes without quotes
WORDS = ("true", "false", "null", "nan", "inf")  # that it would not take for text


def command(script, **values):
    """A command line of a script.

    Args:
      script: its name, such as "train".
      values: {key: text, or list of texts}.
    """
    return shlex.join(["python", f"scripts/{script}.py", *(override(key, value) for key, value in values.items())])


def argument(key, value):
    """A key with its value as a shell takes it, to be added to a command; arguments as of `override`."""
    return shlex.quote(override(key, value))


def override(key, value):
    """A key with its value, a text or a list of texts, as Hydra takes it; a list of one is written as a text."""
    if isinstance(value, str):
        return f"{key}={value if _is_plain(value) else quoted(value)}"
    if len(value) == 1:
        return override(key, value[0])
    return f"{key}=[{','.join(text if _is_plain(text) else quoted(text) for text in value)}]"


def quoted(text):
    """A text in quotes that Hydra reads as it is, whatever letters it holds.

    A reference of OmegaConf's, `${`, takes a backslash. Hydra removes one of each two backslashes before a quote. The
    quotes are double ones, since a shell takes them as they are inside its single ones.
    """
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    text = re.sub(r'(\\*)"', r'\1\1\\"', text)
    return '"' + re.sub(r"(\\+)\Z", r"\1\1", text) + '"'


def _is_plain(text):
    return PLAIN.fullmatch(text) is not None and text.lower() not in WORDS and any(map(str.isalpha, text))
