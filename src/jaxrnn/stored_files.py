"""Reads files that another process or another person wrote, with size limits and checked against a schema.

A schema is a type that pydantic supports, such as a `TypedDict`. Reading a file returns a value of the schema or raises
a `DamagedError`, whose one-line message names the file and the field.
"""

import contextlib
import functools
import io
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from jaxrnn.errors import DamagedError

LARGEST = 2**26  # size limit of a JSON file in bytes
HEADER_BYTES, VALUE_BYTES = 2**14, 16  # upper limits for the header of an array file and for one value


def read_bytes(path: Any, largest: int | None = None) -> bytes:
    """Reads a regular file.

    Args:
      path: the file.
      largest: size limit in bytes; None for no limit.

    Raises:
      FileNotFoundError: if the file does not exist.
      DamagedError: if the path is a folder, a pipe or a device, or the file is too large.
      OSError: if the file cannot be read.
    """
    path = regular(path)
    if largest is not None and path.stat().st_size > largest:
        raise DamagedError(f"{path} is damaged: expected at most {largest} bytes, found {path.stat().st_size}")
    return path.read_bytes()


def regular(path: Any) -> Path:
    """Returns the path if it is a regular file or does not exist.

    Raises:
      DamagedError: if it is a folder, a pipe or a device; reading a pipe or a device could block.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise DamagedError(f"{path} is damaged: expected a file, found a folder or a device")
    return path


def parse(text: Any, schema: Any, where: Any) -> Any:
    """Parses JSON and checks the value against a schema.

    Args:
      text: the JSON, bytes or a string.
      schema: the type of the value; a `TypedDict` also accepts additional fields.
      where: the file, for the message.

    Raises:
      DamagedError: if the text is not JSON, is nested too deeply, or has another type.
    """
    with _reporting_damage(where):
        value = _adapter(Any).validate_json(text)
    return check(value, schema, where)


def check(value: Any, schema: Any, where: Any) -> Any:
    """Returns the value if it matches a schema; arguments and errors as in `parse`."""
    with _reporting_damage(where):
        _adapter(schema).validate_python(value, strict=True)
    return value


def read_arrays(path: Any, expected: Any) -> Any:
    """Reads the arrays of an `.npz` file, without pickle.

    Args:
      path: the file.
      expected: {name: (shape, dtype)} of the arrays in the file; only the kind of the dtype is compared.

    Raises:
      DamagedError: if the file is not an `.npz` file or holds other arrays.
      OSError: if the file cannot be read.
    """
    content, arrays = io.BytesIO(read_bytes(path)), {}
    try:
        with zipfile.ZipFile(content) as archive:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
            for name, (shape, dtype) in expected.items():
                if sizes.get(name, 0) > HEADER_BYTES + math.prod(shape) * VALUE_BYTES:
                    raise DamagedError(f"{path} is damaged: {name} is larger than {dtype}{list(shape)}")
                with archive.open(f"{name}.npy") as file:
                    arrays[name] = np.lib.format.read_array(io.BytesIO(file.read()), allow_pickle=False)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        ValueError,
        OverflowError,
        NotImplementedError,
        RuntimeError,
        MemoryError,
        tokenize.TokenError,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedError(f"{path} is damaged: {reason}") from error
    for name, (shape, dtype) in expected.items():
        if arrays[name].shape != tuple(shape) or arrays[name].dtype.kind != np.dtype(dtype).kind:
            actual = f"{arrays[name].dtype}{list(arrays[name].shape)}"
            raise DamagedError(f"{path} is damaged: {name}: expected {dtype}{list(shape)}, found {actual}")
    return arrays


@contextlib.contextmanager
def _reporting_damage(where):
    from pydantic import ValidationError  # imported here, so that scripts start fast

    try:
        yield
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, details["loc"]))
        reason = "it is missing" if details["type"] == "missing" else details["msg"].removeprefix("Input ")
        raise DamagedError(f"{where} is damaged: {f'{field}: ' if field else ''}{reason}") from None


@functools.cache
def _adapter(schema):
    from pydantic import TypeAdapter

    return TypeAdapter(schema)
