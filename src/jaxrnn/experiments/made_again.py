"""Stores how the net and the data set of a run were made, as the calls of shipped factories, and makes them again.

The file holds names of functions, plain values and arrays of numbers, no code. Loading calls only the functions that
`trust` allows.
"""

from pathlib import Path
from typing import Any

from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments import stored_values, targets, trust
from jaxrnn.made_by import Call
from jaxrnn.storage import array_file

FILE = "objects.safetensors"
LARGEST = 2**28  # bytes of the arrays that are stored


class Unknown(Exception):
    """An object that no shipped factory made, or data that are too large; the message names it."""


def write(folder, objects):
    """Writes how {name: object} were made; returns None, or the reason why it is not known, and then writes nothing."""
    arrays = {}
    try:
        content = {name: _described(value, name, arrays) for name, value in objects.items()}
        if sum(array.nbytes for array in arrays.values()) > LARGEST:
            raise Unknown("dataset: its arrays are too large")
    except Unknown as unknown:
        return str(unknown)
    array_file.write(Path(folder) / FILE, arrays, content)
    return None


def read(folder, trusted=()) -> dict[str, Any] | None:
    """Makes the {name: object} of a folder again; None if it has no such file.

    Raises:
      ConfigError: if the file is damaged, or calls a function or reads a file that is not trusted.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    arrays, content = array_file.read(path)
    if not isinstance(content, dict):
        raise DamagedError(f"{path} is damaged: expected objects, found a {type(content).__name__}")
    trust.check(content, folder, trusted)
    return {name: _made(node, arrays, name) for name, node in content.items()}


def _described(value, name, arrays):
    """Returns a value as what JSON can hold: a call as {"_target_": name, ...}, and arrays as references."""
    call = getattr(value, "made_by", None)
    if isinstance(call, Call) and call.target.startswith("jaxrnn."):
        arguments = {key: _described(argument, f"{name}.{key}", arrays) for key, argument in call.arguments.items()}
        return {"_target_": call.target, **arguments}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value.resolve())
    if (reference := stored_values.described(value, arrays)) is not None:
        return reference
    if type(value) in (list, tuple):
        return [_described(part, f"{name}[{index}]", arrays) for index, part in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _described(part, f"{name}.{key}", arrays) for key, part in value.items()}
    raise Unknown(f"{name}: no factory of jaxrnn made it")


def _made(node, arrays, name):
    """Calls the functions that a described value names; the inverse of `_described`."""
    if isinstance(node, list):
        return [_made(part, arrays, name) for part in node]
    if not isinstance(node, dict):
        return node
    if (value := stored_values.restored(node, arrays, name)) is not node:
        return value
    parts = {key: _made(part, arrays, f"{name}.{key}") for key, part in node.items() if key != "_target_"}
    if "_target_" not in node:
        return parts
    positional = parts.pop("_args_", [])
    try:
        return targets.locate(node["_target_"], f"{name}.")(*positional, **parts)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{name}: {node['_target_']}: {error}") from error
