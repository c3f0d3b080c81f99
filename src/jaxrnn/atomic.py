"""Atomic writes: a file is complete or absent, even if the process is killed or the machine stops."""

import contextlib
import errno
import functools
import os
import re
import socket
import threading
from pathlib import Path

ABANDONED = 3600.0  # seconds after which a temporary file of another host counts as left over
_TEMPORARY = set()  # the temporary files that this process is writing


def write(path, content):
    """Writes a file in one step: a reader sees the old content or the new content, never a part.

    The content is written to a temporary file, flushed to the disk, and renamed.

    Args:
      path: the file.
      content: bytes or a string.

    Raises:
      OSError: if the file cannot be written; the error names it, and its old content stays.
    """
    with aside(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        sync(temporary)
    sync(Path(path).parent)


@contextlib.contextmanager
def aside(path):
    """Yields a temporary path in the same folder to write to; its file is renamed to `path` when the block ends.

    The first call for a folder also removes the temporary files that killed processes left there.

    Raises:
      OSError: if the file cannot be written; the error names `path`.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{_host()}-{os.getpid()}-{threading.get_ident()}.tmp{path.suffix}")
    _TEMPORARY.add(temporary)
    try:
        with naming(path):
            yield temporary
            os.replace(temporary, path)
        remove_left_over(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    finally:
        _TEMPORARY.discard(temporary)


@functools.cache
def remove_left_over(folder):
    """Removes temporary files in a folder whose processes have ended. Only the first call for a folder has an effect.

    For a process of this host it checks whether the process is alive. A file of another host is removed after an hour.
    """
    with contextlib.suppress(OSError):  # another process removes them too
        now = folder.stat().st_mtime  # the clock of the disk: a file was just written in this folder
        for file in folder.glob(".*-*.tmp*"):
            match = re.fullmatch(r"\..+\.(?:(?P<host>\w+)-)?(?P<pid>\d+)-\d+\.tmp(\.[^.]*)?", file.name)
            if match and _is_left_over(file, match["host"], int(match["pid"]), now):
                file.unlink(missing_ok=True)


def _is_left_over(file, host, process, now):
    if host == _host() and os.name != "nt":
        return not _is_alive(process)
    return now - file.lstat().st_mtime > ABANDONED


def _is_alive(process):
    try:
        os.kill(process, 0)  # signal 0 only checks whether the process exists
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's process; a number that is too large
        return True
    return True


@functools.cache
def _host():
    return re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())


def whole(folder, pattern):
    """Returns the complete files of a folder that match a pattern, without temporary ones."""
    return [path for path in Path(folder).glob(pattern) if not path.name.startswith(".")]


def give_up():
    """Removes the temporary files of this process. Call it before the process ends abruptly."""
    for temporary in list(_TEMPORARY):
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path):
    """Adds the file name to every `OSError` of the block; the error of a full disk has none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def refusal(error, go_on):
    """Returns the message, one line, for a file that could not be written.

    Args:
      error: an `OSError`.
      go_on: how to continue, in words that can follow "make room and".
    """
    reason = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    first = "make room and " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{reason}; what was saved stays: {first}{go_on}"


def sync(path):
    """Flushes a file, or the entries of a folder, to the disk. Windows flushes folders by itself."""
    if os.name == "nt" and Path(path).is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
