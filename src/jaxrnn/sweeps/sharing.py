"""Several processes train one sweep: each gives signs of life, and the first waits for the runs of the others."""

import contextlib
import json
import os
import socket
import threading
import time
from pathlib import Path

from jaxrnn import atomic
from jaxrnn.errors import ConfigError

BEAT = 2.0  # seconds between two signs of life
PATIENCE = 12.0  # seconds without a sign of life after which a process counts as lost
FOLDER = ".processes"


@contextlib.contextmanager
def alive(folder, number, beat=BEAT):
    """Writes signs of life of process `number` into the sweep's folder every `beat` seconds while the block runs."""
    processes_folder = Path(folder) / FOLDER
    processes_folder.mkdir(parents=True, exist_ok=True)
    ended, file = threading.Event(), processes_folder / f"{number}.json"

    def write():
        content = {"process": number, "time": time.time(), "pid": os.getpid(), "host": socket.gethostname()}
        with contextlib.suppress(OSError):  # the training itself reports a full or lost disk
            atomic.write(file, json.dumps(content))

    def write_until_ended():
        while not ended.wait(beat):
            write()

    write()
    thread = threading.Thread(target=write_until_ended, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        file.unlink(missing_ok=True)


def wait(jobs, done, folder, shares, patience=PATIENCE, received=()):
    """Waits until other processes have trained their jobs or a signal arrives, and returns the summaries.

    Args:
      jobs: a list of jobs.
      done: run folder -> its summary, or None.
      folder: the sweep's folder.
      shares: {number of a job: number of the process that trains it}.
      patience: seconds without a sign of life after which a process counts as lost.
      received: signals that this process has received, a list that grows.

    Returns:
      {number: summary}.

    Raises:
      ConfigError: if a process is lost before its jobs are done. The message names the process and the runs.
    """
    summaries, last_signs = {}, {}
    while not received and (waiting := [job for job in jobs if job.number not in summaries]):
        summaries |= {job.number: content for job in waiting if (content := done(job.folder)) is not None}
        for process in {shares[job.number] for job in waiting}:
            missing = [job.number for job in waiting if shares[job.number] == process and job.number not in summaries]
            if missing and _seconds_silent(folder, process, last_signs) > patience:
                raise ConfigError(
                    f"process {process + 1} has given no sign of life for {patience:.0f} s; runs "
                    f"{', '.join(map(str, missing))} are missing; start all processes again to resume from what is "
                    "saved"
                )
        time.sleep(0.2)
    return summaries


def _seconds_silent(folder, process, last_signs):
    """Returns the seconds since a process gave a new sign of life, by the clock of this process.

    The clocks of two hosts may differ, so only a change of the file counts, not the time in it.

    Args:
      last_signs: {process: (its last sign, time when this process first read it)}; this function updates it.
    """
    sign, now = None, time.monotonic()
    with contextlib.suppress(FileNotFoundError):
        sign = (Path(folder) / FOLDER / f"{process}.json").read_bytes()
    if process not in last_signs or last_signs[process][0] != sign:
        last_signs[process] = (sign, now)
    return now - last_signs[process][1]
