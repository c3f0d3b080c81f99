"""Reads and writes arrays and notes in one safetensors file; reading checks every byte."""

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
    """Content of the header of a file.

    Fields:
      notes: the notes that were stored with the arrays.
      dtypes: {name: dtype}, because safetensors does not know all types.
    """

    notes: Any
    dtypes: dict[str, str]


def write(path, arrays, notes):
    """Writes a file in one piece (see `jaxrnn.atomic`).

    Args:
      path: the file.
      arrays: {name: array}.
      notes: any value that JSON can hold.

    Raises:
      OSError: if the file cannot be written.
    """
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    dtypes = {name: array.dtype.name for name, array in arrays.items()}
    text = json.dumps({"notes": notes, "dtypes": dtypes})
    digests = {name: _digest(array) for name, array in arrays.items()}
    header = {"format": FORMAT, "content": text, "digests": json.dumps(digests)}
    # safetensors does not know all types of ml_dtypes, which have kind "V" in NumPy; their bytes are saved as integers.
    plain = {
        name: array.view(f"u{array.itemsize}") if array.dtype.kind == "V" else array for name, array in arrays.items()
    }
    atomic.write(path, save(plain, {**header, "digest": _header_digest(header)}))


def read(path):
    """Reads ({name: array}, notes) from a file.

    Raises:
      DamagedError: if one byte has changed. The message names the damaged part.
      OSError: if the file cannot be read.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import load

    data = stored_files.read_bytes(path)
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
        arrays = load(data)
    except (SafetensorError, KeyError, ValueError, OverflowError, MemoryError) as error:
        raise DamagedError(f"{path} is damaged ({error})") from error
    if header.get("format") != FORMAT:
        raise DamagedError(
            f"{path} is damaged, or was written by another version: expected format {FORMAT!r}, found "
            f"{header.get('format')!r}"
        )
    if header.get("digest") != _header_digest(header):
        raise DamagedError(f"{path} is damaged: its header was changed")
    content = stored_files.parse(header.get("content", ""), Content, f"{path}: its header")
    digests = stored_files.parse(header.get("digests", ""), dict[str, str], f"{path}: its header")
    if not set(digests) == set(arrays) == set(content["dtypes"]):
        raise DamagedError(f"{path} is damaged: its header names other arrays than it holds")
    for name, dtype_name in content["dtypes"].items():
        arrays[name] = _restore_dtype(arrays[name], dtype_name)
        if _digest(arrays[name]) != digests[name]:
            raise DamagedError(f"{path} is damaged: {name} was changed")
    return {name: arrays[name] for name in digests}, content["notes"]


def _restore_dtype(array, dtype_name):
    """Views an array as the named type if NumPy itself does not have this type, such as bfloat16."""
    dtype = getattr(ml_dtypes, dtype_name, None)
    is_type = isinstance(dtype, type) and issubclass(dtype, np.generic) and np.dtype(dtype).itemsize == array.itemsize
    return array.view(dtype) if is_type else array


def _digest(array):
    """Digest of the values, the type and the shape of an array."""
    kind = f"{array.dtype.name}{list(array.shape)}"
    return hashlib.sha256(kind.encode() + np.ascontiguousarray(array).tobytes()).hexdigest()


def _header_digest(header):
    parts = [header.get(name, "") for name in ("format", "content", "digests")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
