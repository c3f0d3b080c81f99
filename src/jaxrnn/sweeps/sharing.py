"""Several processes that train one sweep: each says that it is alive, the first one waits for the others' shares."""

import contextlib
import json
import os
import socket
import threading
import time
from pathlib import Path

from jaxrnn import atomic
from jaxrnn.errors import ConfigError

BEAT, PATIENCE = 2.0, 12.0  # seconds between two signs of life, and after which a process without one is gone
FOLDER = ".processes"


@contextlib.contextmanager
def alive(folder, number, beat=BEAT):
    """Writes a sign of life of process `number` into the sweep's folder, again and again, while the block runs."""
    place = Path(folder) / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    ended, file = threading.Event(), place / f"{number}.json"

    def write():
        content = {"process": number, "time": time.time(), "pid": os.getpid(), "host": socket.gethostname()}
        with contextlib.suppress(OSError):  # the training itself will say so
            atomic.write(file, json.dumps(content))

    def go_on():
        while not ended.wait(beat):
            write()

    write()
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        file.unlink(missing_ok=True)


def wait(jobs, done, folder, shares, patience=PATIENCE):
    """The summaries of jobs that other processes train, once all are there.

    Args:
      jobs: a list of jobs.
      done: run folder -> its summary, or None.
      folder: the sweep's folder.
      shares: {job's number: the number of the process that trains it}.
      patience: seconds without a sign of life after which a process is gone.

    Returns:
      {number: summary}.

    Raises:
      ConfigError: if a process is gone before its share is done; it names the process and the runs that are missing.
    """
    summaries, seen = {}, {}
    while left := [job for job in jobs if job.number not in summaries]:
        summaries |= {job.number: content for job in left if (content := done(job.folder)) is not None}
        for process in {shares[job.number] for job in left}:
            missing = [job.number for job in left if shares[job.number] == process and job.number not in summaries]
            if missing and _silent(folder, process, seen) > patience:
                raise ConfigError(
                    f"process {process + 1} has given no sign of life for {patience:.0f} s; runs "
                    f"{', '.join(map(str, missing))} are missing; what was saved stays: start all processes again"
                )
        time.sleep(0.2)
    return summaries


def _silent(folder, process, seen):
    """Seconds since a process gave another sign of life, by this process's clock.

    Args:
      seen: {process: (its last sign, when it was first seen)}, which is kept up to date.
    """
    sign, now = None, time.monotonic()
    with contextlib.suppress(FileNotFoundError):
        sign = (Path(folder) / FOLDER / f"{process}.json").read_bytes()
    if process not in seen or seen[process][0] != sign:
        seen[process] = (sign, now)
    return now - seen[process][1]
