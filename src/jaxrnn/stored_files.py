"""Files that were written by an earlier process, or by somebody else: read with limits, and held to a schema.

A schema is a type that pydantic knows, such as a `TypedDict`. Whatever a file holds, reading it gives a value of its
schema or a `DamagedError` of one line that names the file and the field.
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

LARGEST = 2**26  # bytes of a JSON file
HEAD, WIDEST = 2**14, 16  # bytes of an array's own file beside its values, and of a value


def read_bytes(path: Any, largest: int | None = None) -> bytes:
    """The content of a regular file.

    Args:
      path: the file.
      largest: bytes that it may hold; None for any number.

    Raises:
      FileNotFoundError: if there is none.
      DamagedError: if it is a folder, a pipe or a device, or larger.
      OSError: if it cannot be read.
    """
    path = regular(path)
    if largest is not None and path.stat().st_size > largest:
        raise DamagedError(f"{path} is damaged: it holds {path.stat().st_size} bytes, at most {largest} were expected")
    return path.read_bytes()


def regular(path: Any) -> Path:
    """The path, if nothing but a regular file is there.

    Raises:
      DamagedError: if it is a folder, or a pipe or a device, which would be waited for.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise DamagedError(f"{path} is damaged: it is a folder or a device, not a file")
    return path


def parse(text: Any, schema: Any, where: Any) -> Any:
    """The value that JSON describes, bytes or text, held to a schema.

    Args:
      text: the JSON.
      schema: the type of the value; a `TypedDict` lets further fields pass.
      where: the file, for the message.

    Raises:
      DamagedError: if it is not JSON, nested too deeply, or of another type.
    """
    with _damage(where):
        value = _adapter(Any).validate_json(text)
    return check(value, schema, where)


def check(value: Any, schema: Any, where: Any) -> Any:
    """The value, if it is of a schema; arguments and errors as of `parse`."""
    with _damage(where):
        _adapter(schema).validate_python(value, strict=True)
    return value


def read_arrays(path: Any, expected: Any) -> Any:
    """The arrays of an `.npz` file, read without pickle.

    Args:
      path: the file.
      expected: {name: (shape, dtype)} of the arrays that it should hold; of a dtype only its kind counts.

    Raises:
      DamagedError: if it is not such a file, or holds other arrays.
      OSError: if it cannot be read.
    """
    content, arrays = io.BytesIO(read_bytes(path)), {}
    try:
        with zipfile.ZipFile(content) as archive:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
            for name, (shape, dtype) in expected.items():
                if sizes.get(name, 0) > HEAD + math.prod(shape) * WIDEST:
                    raise DamagedError(f"{path} is damaged: {name} is larger than {dtype}{list(shape)}")
                with archive.open(f"{name}.npy") as file:
                    arrays[name] = np.lib.format.read_array(io.BytesIO(file.read()), allow_pickle=False)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, OverflowError, NotImplementedError,
            RuntimeError, MemoryError, tokenize.TokenError) as error:  # fmt: skip
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedError(f"{path} is damaged: {reason}") from error
    for name, (shape, dtype) in expected.items():
        if arrays[name].shape != tuple(shape) or arrays[name].dtype.kind != np.dtype(dtype).kind:
            found = f"{arrays[name].dtype}{list(arrays[name].shape)}"
            raise DamagedError(f"{path} is damaged: {name} is {found}, expected {dtype}{list(shape)}")
    return arrays


@contextlib.contextmanager
def _damage(where):
    from pydantic import ValidationError  # here, so that a script's first lines need not import it

    try:
        yield
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, found["loc"]))
        reason = "it is missing" if found["type"] == "missing" else found["msg"].removeprefix("Input ")
        raise DamagedError(f"{where} is damaged: {f'{field}: ' if field else ''}{reason}") from None


@functools.cache
def _adapter(schema):
    from pydantic import TypeAdapter

    return TypeAdapter(schema)
