"""Folder locks: only one process at a time writes to a folder. The error message names that process.

The lock is an operating-system lock on the file `.lock`. It ends when the process ends. Some shared disks do not
enforce such locks between hosts. For these, the file `.writer.json` names the holder, and the holder updates the
file's modification time every few seconds.
"""

import atexit
import contextlib
import json
import os
import socket
import threading
from pathlib import Path

from typing_extensions import TypedDict

from jaxrnn import atomic, stored_files, timestamps
from jaxrnn.errors import ConfigError, DamagedError

FILE, WRITER = ".lock", ".writer.json"
BEAT, PATIENCE = 5.0, 60.0  # seconds between two updates, and without one until another host's lock is lost

LARGEST = 2**16  # bytes of `.writer.json`
BEFORE_A_RUN = (FILE, WRITER, "sweep.json", "multirun.yaml")  # files that a folder holds before its first run


class Writer(TypedDict):
    """The process that holds a folder's lock."""

    process: int
    host: str
    since: str


class Lock:
    """Lock of a folder, held from its construction until `release` or the end of the process.

    Args:
      folder: the folder. It is created if it does not exist.
      beat: seconds between two updates of `.writer.json`.
      patience: seconds without an update after which a lock of another host counts as lost.

    Raises:
      ConfigError: if another process holds the lock. The message names the process and its host.
      OSError: if the folder cannot be written to.
    """

    def __init__(self, folder, beat=BEAT, patience=PATIENCE):
        self._folder = Path(str(folder))
        self._created = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file_lock = _acquire(self._folder)
        if self._file_lock is None or _is_held_elsewhere(self._folder, patience):
            self._unlock()
            raise _refusal(self._folder)
        self._ended = threading.Event()
        try:
            atomic.write(self._folder / WRITER, json.dumps(_this_writer()) + "\n")
        except BaseException:
            self._unlock()
            raise
        self._thread = threading.Thread(target=self._live, args=(beat,), daemon=True)
        self._thread.start()
        atexit.register(self.release)

    def release(self):
        """Releases the lock, so that other processes may write."""
        if not self._ended.is_set():
            atexit.unregister(self.release)
            self._ended.set()
            self._thread.join()
            with contextlib.suppress(OSError):  # the folder is gone
                (self._folder / WRITER).unlink(missing_ok=True)
            self._unlock()

    def discard(self):
        """Removes the folders that this lock created, unless a run has begun there. The lock is held until `release`.

        A command that is refused leaves no folder with only its configuration in it.
        """
        with contextlib.suppress(OSError):  # another process writes here
            paths = sorted(self._folder.rglob("*"), reverse=True) if self._created else []
            if all(_precedes_a_run(path) for path in paths):
                for path in paths:
                    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
                for folder in self._created:
                    folder.rmdir()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.release()

    def _live(self, beat):
        while not self._ended.wait(beat):
            with contextlib.suppress(OSError):  # the training reports disk errors itself
                os.utime(self._folder / WRITER)

    def _unlock(self):
        if self._file_lock is not None:
            self._file_lock.release()


def of_run(folder):
    """Locks a run folder to resume it. Also raises a `ConfigError` if a process trains the sweep that contains it."""
    sweep = Path(str(folder)).absolute().parent
    if (sweep / "sweep.json").exists():
        refuse_if_held(sweep)
    return Lock(folder)


def refuse_if_held(folder):
    """Raises an error if another process writes to a folder. Does not take the lock.

    Raises:
      ConfigError: if another process holds the lock. The message names the process and its host.
    """
    folder = Path(str(folder))
    if (folder / FILE).exists():
        if (file_lock := _acquire(folder)) is not None:
            file_lock.release()
        if file_lock is None or _is_held_elsewhere(folder, PATIENCE):
            raise _refusal(folder)


def _precedes_a_run(path):
    """Returns True for a folder and for a file that is written before a run begins."""
    if path.is_symlink():
        return False
    is_empty_log = path.suffix == ".log" and path.stat().st_size == 0
    return path.is_dir() or path.name in BEFORE_A_RUN or path.parent.name == ".hydra" or is_empty_log


def _acquire(folder):
    """Takes the lock on the file `.lock`. Returns None if another process holds it."""
    from filelock import FileLock, Timeout

    file_lock = FileLock(folder / FILE)
    try:
        file_lock.acquire(timeout=0)
    except Timeout:
        return None
    return file_lock


def _is_held_elsewhere(folder, patience):
    """Returns True if a process on another host holds the lock and updated its file recently, by the disk's clock."""
    writer = _read(folder)
    if writer is None or writer["host"] == socket.gethostname():
        return False
    with contextlib.suppress(FileNotFoundError):
        os.utime(folder / FILE)
        return (folder / FILE).stat().st_mtime - (folder / WRITER).stat().st_mtime < patience
    return False


def _refusal(folder):
    writer, holder = _read(folder), "another process is training here"
    if writer is not None:
        holder = f"process {writer['process']} on {writer['host']} has been training here since {writer['since']}"
    return ConfigError(f"{folder}: {holder}; wait for it, or choose another folder")


def _read(folder):
    """Reads the `Writer` in `.writer.json`. Returns None if the file is missing or cannot be read."""
    try:
        return stored_files.parse(stored_files.read_bytes(folder / WRITER, LARGEST), Writer, folder / WRITER)
    except (FileNotFoundError, DamagedError):
        return None


def _this_writer():
    return {"process": os.getpid(), "host": socket.gethostname(), "since": timestamps.stamp()}
