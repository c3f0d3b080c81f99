"""Imports the functions that a configuration names in its keys `_target_`."""

import functools
import inspect
import pkgutil
import pydoc
from typing import Any

from jaxrnn.arguments import described, nearest
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.nodes import STACKS


def locate(target, path=""):
    """Imports the function with a dotted name.

    Args:
      target: the dotted name, such as jaxrnn.cells.lstm.cell.
      path: the dotted name of the node in the configuration, with a dot at its end, for messages.

    Raises:
      ConfigError: if there is no such function, or importing its module fails.
    """
    name = f"{path}_target_={target}"
    try:
        function = pydoc.locate(str(target))
        if function is None:
            raise ConfigError(f"{name}: no such function: {_missing_part(str(target))}")
    except pydoc.ErrorDuringImport as error:
        raise ConfigError(f"{name}: {error}") from error
    if not callable(function):
        raise ConfigError(f"{name}: expected a function, got {described(function)}")
    return function


def file(target):
    """Returns the path of the file that defines a function, or None."""
    return getattr(inspect.getmodule(pydoc.locate(target)), "__file__", None)


def _missing_part(target):
    """Says which part of a dotted name does not exist, and which names are similar."""
    parts = target.split(".")
    count = next(n for n in range(1, len(parts) + 1) if pydoc.locate(".".join(parts[:n])) is None)
    if count == 1:
        return f"{parts[0]} cannot be imported; install it, or add its folder to PYTHONPATH"
    parent: Any = pydoc.locate(".".join(parts[: count - 1]))
    modules = [module.name for module in pkgutil.iter_modules(getattr(parent, "__path__", ()))]
    functions = [name for name, value in vars(parent).items() if inspect.getmodule(value) is parent]
    names = [name for name in (*modules, *functions) if not name.startswith("_")]
    return f"{parent.__name__} has no {parts[count - 1]}{nearest(parts[count - 1], names) if names else ''}"


def factories(target, path):
    """Returns the functions that a `_target_` stands for, in the order of `nodes.STACKS` if the data set chooses one.

    Raises:
      ConfigError: if there is no such function.
    """
    function = locate(target, path)
    return _stacks() if function is _stacks()[0] else [function]


@functools.cache
def _stacks():
    return [locate(name) for name in STACKS.values()]
