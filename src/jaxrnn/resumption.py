"""The folder of a sweep: by what command it was started, whether it is being trained, and how the command finds it."""

import json
import os
import sys
import time
from pathlib import Path

from hydra.experimental.callback import Callback
from hydra.types import RunMode

from jaxrnn.config import Refusal

FILE, LOCK = "sweep.json", ".lock"
_HELD = []  # locks of this process; not in the callback, which launchers send to other processes


class Watch(Callback):
    """Hydra's callback around a sweep: says what it is in `sweep.json`, so that the same command can go on with it."""

    def on_multirun_start(self, config, **kwargs):
        from jaxrnn.devices import processes

        folder = Path(str(config.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        if processes()[0] > 0:
            return
        _HELD.append(lock(folder))
        if _HELD[-1] is None:
            raise Refusal(f"{folder}: another process is training this sweep")
        self._write("running")

    def on_multirun_end(self, config, **kwargs):
        from jaxrnn.devices import processes

        if processes()[0] > 0:
            return
        self._write("finished")
        _HELD.pop().release()
        print(f"sweep in {self._folder}")

    def on_job_end(self, config, job_return, **kwargs):
        """Says how far a sweep is, whose launcher trains the runs one by one, in whatever process."""
        from jaxrnn import sweeps

        folder = Path(str(config.hydra.sweep.dir))
        if config.hydra.mode is RunMode.MULTIRUN and (content := _read(folder)) and "jobs" in content:
            print(sweeps.how_far(folder, content["jobs"], content["began"]))

    def _write(self, status):
        _write(self._folder, {"command": _command(sys.argv[1:]), "status": status, "began": time.time()})


def tell_jobs(folder, jobs):
    """Notes how many jobs a sweep has."""
    if content := _read(Path(folder)):
        _write(Path(folder), {**content, "jobs": jobs})


def _read(folder):
    return json.loads((folder / FILE).read_text()) if (folder / FILE).is_file() else None


def _write(folder, content):
    temporary = folder / f"{FILE}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(temporary, folder / FILE)


def continued(arguments):
    """The arguments of a command; those of an interrupted sweep with the folder in which it goes on.

    The sweep is the newest in `multirun/` that was started by the same arguments, did not finish, and is not being
    trained by another process.
    """
    if not {"-m", "--multirun"} & set(arguments) or any(a.startswith("hydra.sweep.dir=") for a in arguments):
        return arguments
    for file in sorted(Path("multirun").glob(f"*/*/{FILE}"), reverse=True):
        content = json.loads(file.read_text())
        if content["status"] != "finished" and content["command"] == arguments and not _locked(file.parent):
            print(f"going on with the interrupted sweep in {file.parent}")
            return [*arguments, f"hydra.sweep.dir={file.parent}"]
    return arguments


def _command(arguments):
    return [argument for argument in arguments if not argument.startswith("hydra.sweep.dir=")]


def _locked(folder):
    if (taken := lock(folder)) is None:
        return True
    taken.release()
    return False


def lock(folder):
    """The lock of a folder, taken, or None while another process holds it; it ends with the process."""
    from filelock import FileLock, Timeout

    own = FileLock(folder / LOCK)
    try:
        own.acquire(timeout=0)
    except Timeout:
        return None
    return own
