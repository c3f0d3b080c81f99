"""Files that are there whole or not at all, whatever ends the process or the machine."""

import contextlib
import errno
import functools
import os
import re
import socket
import threading
from pathlib import Path

ABANDONED = 3600.0  # seconds after which a file that a process of another host writes aside is left over
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

    The first one of a process in a folder removes what processes that were killed have left there.

    Raises:
      OSError: if it cannot be written; it names `path`.
    """
    path = Path(path)
    other = path.with_name(f".{path.stem}.{_host()}-{os.getpid()}-{threading.get_ident()}.tmp{path.suffix}")
    _ASIDE.add(other)
    try:
        with naming(path):
            yield other
            os.replace(other, path)
        remove_left_over(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            other.unlink(missing_ok=True)
        raise
    finally:
        _ASIDE.discard(other)


@functools.cache
def remove_left_over(folder):
    """Removes what processes that have ended were writing aside in a folder, once a process and folder.

    A process of this host is looked up; what one of another host writes is left over after an hour, by the clock of
    the disk, which the folder itself tells, since a file was just written there.
    """
    with contextlib.suppress(OSError):  # another process removes them too
        now = folder.stat().st_mtime
        for file in folder.glob(".*-*.tmp*"):
            found = re.fullmatch(r"\..+\.(?:(?P<host>\w+)-)?(?P<pid>\d+)-\d+\.tmp(\.[^.]*)?", file.name)
            if found and _is_left(file, found["host"], int(found["pid"]), now):
                file.unlink(missing_ok=True)


def _is_left(file, host, process, now):
    if host == _host() and os.name != "nt":
        return not _is_alive(process)
    return now - file.lstat().st_mtime > ABANDONED


def _is_alive(process):
    try:
        os.kill(process, 0)  # a signal that does nothing
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # it is another user's; it is no number of a process
        return True
    return True


@functools.cache
def _host():
    return re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())


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
