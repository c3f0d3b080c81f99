"""Files that are there whole or not at all, whatever ends the process or the machine."""

import contextlib
import errno
import os
import threading
from pathlib import Path

_ASIDE = set()  # paths that are being written to


def write(path, content):
    """Writes a file aside, has the disk take it, and gives it its name; whoever reads finds the old file or the new.

    Args:
      path: the file.
      content: bytes, or a text.

    Raises:
      OSError: if it cannot be written; it names the file, which stays as it was.
    """
    with aside(path) as other:
        other.write_bytes(content.encode() if isinstance(content, str) else content)
        sync(other)
    sync(Path(path).parent)


@contextlib.contextmanager
def aside(path):
    """A path beside `path` to write to; the file there is given the name of `path` when the block has ended.

    Raises:
      OSError: if it cannot be written; it names `path`.
    """
    path = Path(path)
    other = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}.tmp{path.suffix}")
    _ASIDE.add(other)
    try:
        with naming(path):
            yield other
            os.replace(other, path)
    except BaseException:
        with contextlib.suppress(OSError):
            other.unlink(missing_ok=True)
        raise
    finally:
        _ASIDE.discard(other)


def whole(folder, pattern):
    """The files of a folder that match, without those that are being written aside or were left so by a kill."""
    return [path for path in Path(folder).glob(pattern) if not path.name.startswith(".")]


def give_up():
    """Removes what is being written aside, before the process ends where it is."""
    for other in list(_ASIDE):
        with contextlib.suppress(OSError):
            other.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path):
    """Has an `OSError` of the block name the file, as one of a full disk does not."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def refusal(error, go_on):
    """What a user is told when a file could not be written, as one line.

    Args:
      error: an `OSError`.
      go_on: what goes on, in words that follow "and".
    """
    what = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    first = "make room and " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{what}; what was saved stays: {first}{go_on}"


def sync(path):
    """Has the disk take a file, or the names in a folder, which Windows does by itself."""
    if os.name == "nt" and Path(path).is_dir():
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
