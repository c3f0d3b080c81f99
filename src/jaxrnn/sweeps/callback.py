"""The folder of a sweep: by what command it was started, whether it is being trained, and how the command finds it."""

import json
import socket
import sys
import time
from pathlib import Path
from typing import Annotated, NotRequired

from annotated_types import Ge
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from typing_extensions import TypedDict

from jaxrnn import atomic, stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments import locks
from jaxrnn.experiments.command_line import config_errors

FILE = "sweep.json"


class Start(TypedDict):
    """When a sweep was started: on which host, by its monotonic clock, and how many runs had ended by then."""

    host: str
    monotonic: float
    ended: Annotated[int, Ge(0)]


class Note(TypedDict):
    """What a sweep's folder says of it; `jobs` once they are known."""

    command: list[str]
    status: str
    clock: Start
    jobs: NotRequired[Annotated[int, Ge(0)]]


class SweepCallback(Callback):
    """Hydra's callback around a sweep: says what it is in `sweep.json`, so that the same command can go on with it."""

    def __init__(self):
        self._lock = None

    def __getstate__(self):
        """Launchers send the callback to other processes; the lock stays with this one."""
        return {**self.__dict__, "_lock": None}

    def on_multirun_start(self, config, **kwargs):
        folder = Path(str(config.hydra.sweep.dir))
        if not _is_first():
            return
        with config_errors():  # Hydra makes a warning of any other error
            self._lock = locks.Lock(folder)
            clock = {"host": socket.gethostname(), "monotonic": time.monotonic(), "ended": _ended(folder)}
            _write(folder, {"command": _command(sys.argv[1:]), "status": "running", "clock": clock})

    def on_multirun_end(self, config, **kwargs):
        if not _is_first():
            return
        folder = Path(str(config.hydra.sweep.dir))
        with config_errors():
            _write(folder, {**(_read(folder) or {}), "status": "finished"})
        self._lock.release()
        print(f"sweep in {folder}")

    def on_job_end(self, config, job_return, **kwargs):
        """Says how far a sweep is whose launcher trains the runs one by one, in whatever process."""
        from jaxrnn.sweeps import progress

        folder = Path(str(config.hydra.sweep.dir))
        if config.hydra.mode is RunMode.MULTIRUN and (content := _read(folder)) and "jobs" in content:
            clock = content["clock"]
            began = clock["monotonic"] if clock["host"] == socket.gethostname() else None
            print(progress.how_far(folder, content["jobs"], began, clock["ended"]))


def _is_first():
    """Whether this is the first of the processes that train the sweep, which alone writes what all share."""
    from jaxrnn.runtime import processes

    return processes()[0] == 0


def _ended(folder):
    """How many runs of a sweep have a summary."""
    return sum(file.parent.name.isdecimal() for file in folder.glob("*/summary.json"))


def tell_jobs(folder, jobs):
    """Notes how many jobs a sweep has."""
    if content := _read(Path(folder)):
        _write(Path(folder), {**content, "jobs": jobs})


def _read(folder):
    """What the folder says of its sweep, or None where it says nothing.

    Raises:
      ConfigError: if its file is damaged.
    """
    try:
        return stored_files.parse(stored_files.read_bytes(folder / FILE, stored_files.LARGEST), Note, folder / FILE)
    except FileNotFoundError:
        return None
    except DamagedError as error:
        raise DamagedError(f"{error}; remove it to resume the sweep with hydra.sweep.dir") from error


def _write(folder, content):
    atomic.write(folder / FILE, json.dumps(content, indent=2) + "\n")


def continued(arguments):
    """The arguments of a sweep; those of an interrupted one with the folder in which it goes on.

    The sweep is the newest in `multirun/` that was started by the same arguments, did not finish, and is not being
    trained by another process.
    """
    if any(argument.startswith("hydra.sweep.dir=") for argument in arguments):
        return arguments
    for file in sorted(Path("multirun").glob(f"*/*/{FILE}"), reverse=True):
        try:
            content = _read(file.parent)
        except ConfigError:  # of another sweep; whoever goes on with that one is told
            continue
        if content["status"] != "finished" and content["command"] == arguments and not _is_held(file.parent):
            print(f"going on with the interrupted sweep in {file.parent}")
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
