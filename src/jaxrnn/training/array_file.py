"""Arrays and notes in one safetensors file, every byte of which is checked when it is read."""

import hashlib
import json
from typing import Any

import ml_dtypes
import numpy as np
from typing_extensions import TypedDict

from jaxrnn import atomic, stored_files
from jaxrnn.errors import DamagedError

FORMAT = "jaxrnn 1"


class Content(TypedDict):
    """What the head of a file holds.

    Fields:
      notes: what was noted beside the arrays.
      dtypes: {name: dtype}; safetensors itself does not know all of them.
    """

    notes: Any
    dtypes: dict[str, str]


def write(path, arrays, notes):
    """Writes a file in one piece (see `jaxrnn.atomic`).

    Args:
      path: the file.
      arrays: {name: array}.
      notes: what JSON can hold.

    Raises:
      OSError: if it cannot be written.
    """
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    kinds = {name: array.dtype.name for name, array in arrays.items()}
    text = json.dumps({"notes": notes, "dtypes": kinds})
    digests = {name: _digest(array) for name, array in arrays.items()}
    head = {"format": FORMAT, "content": text, "digests": json.dumps(digests)}
    plain = {name: array.view(f"u{array.itemsize}") if array.dtype.kind == "V" else array
             for name, array in arrays.items()}  # fmt: skip
    atomic.write(path, save(plain, {**head, "digest": _head_digest(head)}))


def read(path):
    """({name: array}, notes) of a file.

    Raises:
      DamagedError: if one byte of it is not what was written; it names what.
      OSError: if it cannot be read.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import load

    data = stored_files.read_bytes(path)
    try:
        with safe_open(path, framework="numpy") as file:
            head = file.metadata() or {}
        arrays = load(data)
    except (SafetensorError, KeyError, ValueError, OverflowError, MemoryError) as error:
        raise DamagedError(f"{path} is damaged ({error})") from error
    if head.get("format") != FORMAT:
        raise DamagedError(f"{path} is damaged, or not of this version: its format is {head.get('format')!r}")
    if head.get("digest") != _head_digest(head):
        raise DamagedError(f"{path} is damaged: its head is not what was written")
    content = stored_files.parse(head.get("content", ""), Content, f"{path}: its head")
    digests = stored_files.parse(head.get("digests", ""), dict[str, str], f"{path}: its head")
    if not set(digests) == set(arrays) == set(content["dtypes"]):
        raise DamagedError(f"{path} is damaged: its arrays are not those that were written")
    for name, kind in content["dtypes"].items():
        arrays[name] = _viewed(arrays[name], kind)
        if _digest(arrays[name]) != digests[name]:
            raise DamagedError(f"{path} is damaged: {name} is not what was written")
    return {name: arrays[name] for name in digests}, content["notes"]


def _viewed(array, kind):
    """An array as the type of this name, where that is one which NumPy itself does not have."""
    found = getattr(ml_dtypes, kind, None)
    is_type = isinstance(found, type) and issubclass(found, np.generic) and np.dtype(found).itemsize == array.itemsize
    return array.view(found) if is_type else array


def _digest(array):
    """Of the values, the type and the shape."""
    kind = f"{array.dtype.name}{list(array.shape)}"
    return hashlib.sha256(kind.encode() + np.ascontiguousarray(array).tobytes()).hexdigest()


def _head_digest(head):
    parts = [head.get(name, "") for name in ("format", "content", "digests")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
