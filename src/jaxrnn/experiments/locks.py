"""One writer a folder: whoever trains in it holds its lock, and another one is told who.

It is a lock of the file `.lock`, which ends with the process that holds it. Where a shared disk does not hand such
locks on from host to host, the file `.writer.json` decides, which names the holder and is touched every few seconds.
"""

import atexit
import contextlib
import json
import os
import socket
import threading
from pathlib import Path

from typing_extensions import TypedDict

from jaxrnn import atomic, stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments import stamps

FILE, WRITER = ".lock", ".writer.json"
BEAT, PATIENCE = 5.0, 60.0  # seconds between two signs of life, and after which another host's holder is gone

LARGEST = 2**16  # bytes of the holder's file


class Writer(TypedDict):
    """The process that holds a folder's lock."""

    process: int
    host: str
    since: str


class Lock:
    """The lock of a folder, held from its making until `release`, or the end of the process.

    Args:
      folder: it is made if it does not exist.

    Raises:
      ConfigError: if another process holds it; it names the process and its host.
      OSError: if the folder cannot be written.
    """

    def __init__(self, folder, beat=BEAT, patience=PATIENCE):
        self._folder = Path(str(folder))
        self._folder.mkdir(parents=True, exist_ok=True)
        self._held = _held(self._folder)
        if self._held is None or _elsewhere(self._folder, patience):
            self._unlock()
            raise _refusal(self._folder)
        self._ended = threading.Event()
        try:
            atomic.write(self._folder / WRITER, json.dumps(_own()) + "\n")
        except BaseException:
            self._unlock()
            raise
        self._thread = threading.Thread(target=self._live, args=(beat,), daemon=True)
        self._thread.start()
        atexit.register(self.release)

    def release(self):
        """Lets others write."""
        if not self._ended.is_set():
            atexit.unregister(self.release)
            self._ended.set()
            self._thread.join()
            with contextlib.suppress(OSError):  # the folder is gone
                (self._folder / WRITER).unlink(missing_ok=True)
            self._unlock()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.release()

    def _live(self, beat):
        while not self._ended.wait(beat):
            with contextlib.suppress(OSError):  # the training itself will say so
                os.utime(self._folder / WRITER)

    def _unlock(self):
        if self._held is not None:
            self._held.release()


def of_run(folder):
    """The `Lock` of a run folder that is gone on with, while nobody trains the sweep that it is of; errors as there."""
    sweep = Path(str(folder)).absolute().parent
    if (sweep / "sweep.json").exists():
        refuse_if_held(sweep)
    return Lock(folder)


def refuse_a_run(folder):
    """Refuses to begin where a run has begun.

    Raises:
      ConfigError: if the folder holds a run.
    """
    from jaxrnn.experiments import saved  # here, so that a script's first lines need not import JAX
    from jaxrnn.training import records

    if (Path(str(folder)) / records.FILE).exists():
        raise ConfigError(
            f"{folder} holds a run already; choose another hydra.run.dir, or resume it: {saved.how_to_resume(folder)}"
        )


def refuse_if_held(folder):
    """Refuses to write where another process does, without taking the lock.

    Raises:
      ConfigError: if one holds the folder's lock; it names the process and its host.
    """
    folder = Path(str(folder))
    if (folder / FILE).exists():
        if (held := _held(folder)) is not None:
            held.release()
        if held is None or _elsewhere(folder, PATIENCE):
            raise _refusal(folder)


def _held(folder):
    """The lock of the folder's file, or None while another process holds it."""
    from filelock import FileLock, Timeout

    own = FileLock(folder / FILE)
    try:
        own.acquire(timeout=0)
    except Timeout:
        return None
    return own


def _elsewhere(folder, patience):
    """Whether a process of another host gave a sign of life not long ago, by the clock of the disk."""
    writer = _read(folder)
    if writer is None or writer["host"] == socket.gethostname():
        return False
    with contextlib.suppress(FileNotFoundError):
        os.utime(folder / FILE)
        return (folder / FILE).stat().st_mtime - (folder / WRITER).stat().st_mtime < patience
    return False


def _refusal(folder):
    writer, who = _read(folder), "another process is training here"
    if writer is not None:
        who = f"process {writer['process']} on {writer['host']} is training here since {writer['since']}"
    return ConfigError(f"{folder}: {who}; wait for it, or choose another folder")


def _read(folder):
    """What the file of the holder says, a `Writer`; None where there is none, or none that can be read."""
    try:
        return stored_files.parse(stored_files.read_bytes(folder / WRITER, LARGEST), Writer, folder / WRITER)
    except (FileNotFoundError, DamagedError):
        return None


def _own():
    return {"process": os.getpid(), "host": socket.gethostname(), "since": stamps.stamp()}
