"""Folder of a sweep: records the command in `sweep.json`, locks the folder, and finds interrupted sweeps."""

import atexit
import json
import socket
import time
from pathlib import Path
from typing import Annotated, NotRequired

from annotated_types import Ge
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from typing_extensions import TypedDict

from jaxrnn import atomic, hints, stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments.command_line import config_errors
from jaxrnn.storage import locks

FILE = "sweep.json"


class Start(TypedDict):
    """Start of a sweep: the host, its monotonic clock, and the number of runs that had ended before."""

    host: str
    monotonic: float
    ended: Annotated[int, Ge(0)]


class Note(TypedDict):
    """Content of `sweep.json`; `jobs` is added once their number is known."""

    command: list[str]
    status: str
    clock: Start
    jobs: NotRequired[Annotated[int, Ge(0)]]


class SweepCallback(Callback):
    """Hydra callback that records the command of a sweep in `sweep.json`, so that the same command resumes it."""

    def __init__(self):
        self._lock = None

    def __getstate__(self):
        """Leaves the lock out: launchers send the callback to other processes, but this process keeps the lock."""
        return {**self.__dict__, "_lock": None}

    def on_multirun_start(self, config, **kwargs):
        folder = Path(str(config.hydra.sweep.dir))
        if not _is_first():
            return
        with config_errors():  # Hydra turns other errors into warnings
            self._lock = locks.Lock(folder)
            atexit.register(self._lock.discard)  # a sweep that is refused ends without `on_multirun_end`
            clock = {"host": socket.gethostname(), "monotonic": time.monotonic(), "ended": _ended(folder)}
            _write(folder, {"command": _command(hints.arguments()), "status": "running", "clock": clock})

    def on_multirun_end(self, config, **kwargs):
        if not _is_first():
            return
        folder = Path(str(config.hydra.sweep.dir))
        with config_errors():
            _write(folder, {**(_read(folder) or {}), "status": "finished"})
        if self._lock is not None:
            atexit.unregister(self._lock.discard)
            self._lock.release()
        print(f"sweep in {folder}")

    def on_job_end(self, config, job_return, **kwargs):
        """Prints the progress of a sweep whose launcher trains the runs one by one, in any process."""
        from jaxrnn.sweeps import progress

        folder = Path(str(config.hydra.sweep.dir))
        if config.hydra.mode is RunMode.MULTIRUN and (content := _read(folder)) and "jobs" in content:
            clock = content["clock"]
            began = clock["monotonic"] if clock["host"] == socket.gethostname() else None
            print(progress.how_far(folder, content["jobs"], began, clock["ended"]))


def _is_first():
    """Returns whether this is the first process of the sweep; only the first writes the sweep's files."""
    from jaxrnn.runtime import processes

    return processes()[0] == 0


def _ended(folder):
    """Counts the runs of a sweep that have a summary."""
    return sum(file.parent.name.isdecimal() for file in folder.glob("*/summary.json"))


def tell_jobs(folder, jobs):
    """Records the number of jobs of a sweep in its `sweep.json`."""
    if content := _read(Path(folder)):
        _write(Path(folder), {**content, "jobs": jobs})


def _read(folder):
    """Reads the `sweep.json` of a folder; returns None if there is none.

    Raises:
      ConfigError: if it is damaged.
    """
    try:
        return stored_files.parse(stored_files.read_bytes(folder / FILE, stored_files.LARGEST), Note, folder / FILE)
    except FileNotFoundError:
        return None
    except DamagedError as error:
        raise DamagedError(f"{error}; remove it and resume the sweep with hydra.sweep.dir={folder}") from error


def _write(folder, content):
    atomic.write(folder / FILE, json.dumps(content, indent=2) + "\n")


def continued(arguments):
    """Adds the folder of an interrupted sweep to the arguments, so that the sweep resumes there.

    It looks for the newest sweep in `multirun/` that had the same arguments, did not finish, and is not being trained
    by another process. Without such a sweep the arguments stay as they are.
    """
    if any(argument.startswith("hydra.sweep.dir=") for argument in arguments):
        return arguments
    for file in sorted(Path("multirun").glob(f"*/*/{FILE}"), reverse=True):
        try:
            content = _read(file.parent)
        except ConfigError:  # a damaged file is reported when its own sweep is resumed
            continue
        if not content or content["status"] == "finished":
            continue
        if content["command"] == arguments and not _is_held(file.parent):
            print(f"resuming the interrupted sweep in {file.parent}")
            return [*arguments, f"hydra.sweep.dir={file.parent}"]
    return arguments


def _command(arguments):
    return [argument for argument in arguments if not argument.startswith("hydra.sweep.dir=")]


def _is_held(folder):
    try:
        locks.refuse_if_held(folder)
    except ConfigError:
        return True
    return False
