"""The program `jaxrnn`: finds the command that is its first argument and starts it with the other arguments."""

import os
import re
import sys

import jaxrnn
from jaxrnn import commands
from jaxrnn.arguments import nearest
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.command_line import config_errors
from jaxrnn.lazy import entries

HELP, COMPLETION = ("--help", "-h"), ("-sc", "--shell-completion")


def main():
    """Runs the command of this process's arguments."""
    name, *arguments = sys.argv[1:] or ["--help"]
    with config_errors():
        if name in HELP:
            print(_help())
        elif name == "--version":
            print(f"jaxrnn {jaxrnn.__version__}")
        elif name in COMPLETION:
            _complete([name, *arguments])
        else:
            _command(name).start(arguments)


def _names():
    return entries(os.path.dirname(__file__), "start")


def _command(name):
    """Imports the module of a command.

    Raises:
      ConfigError: if there is no such command.
    """
    names = _names()
    if name not in names:
        hint = "; the command comes first, such as jaxrnn train KEY=VALUE" if "=" in name else nearest(name, names)
        raise ConfigError(f"{name}: no such command{hint}")
    return getattr(commands, name)


def _help():
    lines = ["jaxrnn: train recurrent networks, sweep them, and study how their gradients flow.", ""]
    lines += [f"  jaxrnn {name:<10} {_command(name).__doc__.splitlines()[0]}" for name in _names()]
    lines += ["", "jaxrnn NAME --help lists the keys of a command. Example: jaxrnn train model=lstm data=sine"]
    return "\n".join(lines)


def _complete(arguments):
    """Prints what may follow the line in COMP_LINE, or with `install=SHELL` the script that makes the shell ask."""
    line = os.environ.get("COMP_LINE", "jaxrnn train ")
    if (typed := re.match(r"\s*\S+\s+(\S+)\s+", line)) is None:
        print("\n".join(_names()))
    elif typed[1] in _names():
        os.environ["COMP_LINE"] = f"jaxrnn {line[typed.end() :]}"
        _command(typed[1]).start(arguments)
