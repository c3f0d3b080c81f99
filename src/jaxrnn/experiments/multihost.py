"""Trains one model with several processes: all of them compute, and the first one writes the run folder."""

import contextlib
import hashlib
import shutil
import signal
import tempfile
from pathlib import Path

import jax
import numpy as np

from jaxrnn import runtime
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.watchdog import Peers
from jaxrnn.storage import metrics_csv

REASON_BYTES = 500  # of a callback's reason that the other processes read


@contextlib.contextmanager
def joined(resume_command):
    """Joins the other processes for the duration of a block. Yields the `Peers`, or None if there is only one process.

    Args:
      resume_command: () -> the command that resumes the run if a process is lost.
    """
    runtime.join_processes()
    if jax.process_count() == 1:
        yield None
    else:
        with Peers(resume_command()) as peers:
            yield peers


def with_all_processes(train, experiment, folder, figures, peers):
    """Trains with all processes. Only the first process writes into the run folder and to the trackers of the run.

    Args:
      train: (experiment, folder, figures, peers) -> summary.
      experiment: first argument of `train`.
      folder: the run folder. All processes except the first train in a temporary folder instead.
      figures: True to draw figures, in the first process.
      peers: the `Peers`, or None.

    Raises:
      ConfigError: if the processes have different run folders, or the batch size is not a multiple of their number.
    """
    if peers is None:
        return train(experiment, folder, figures)
    from jax.experimental import multihost_utils

    processes = jax.process_count()
    if (batch_size := experiment.task.trainer.batch_size) % processes:
        raise ConfigError(f"trainer.batch_size={batch_size} must be a multiple of the number of processes, {processes}")
    folder_hash = np.frombuffer(hashlib.sha256(str(folder.absolute()).encode()).digest(), np.uint8)
    if (multihost_utils.process_allgather(folder_hash) != folder_hash).any():
        raise ConfigError("the processes have different run folders; give them all the same hydra.run.dir=...")
    if jax.process_index() == 0:
        multihost_utils.sync_global_devices("the others have copied the checkpoints")
        return train(experiment, folder, figures, peers)
    with tempfile.TemporaryDirectory() as temporary:
        if (folder / "checkpoints").is_dir():
            shutil.copytree(folder / "checkpoints", Path(temporary) / "checkpoints")
            shutil.copy(folder / metrics_csv.FILE, temporary)
        multihost_utils.sync_global_devices("the others have copied the checkpoints")
        return train(experiment._replace(trackers=()), Path(temporary), False, peers)


def end_together(received, received_by_any):
    """Returns the hook after which a run ends in all processes at the same report.

    A signal or a callback may end the run in one process only. The others would then wait without end for it in the
    next collective operation. Therefore the processes exchange both at every report.

    Args:
      received: signals that this process has received (see `jaxrnn.training.loop.interrupts`).
      received_by_any: list to which the hook adds the name of the first signal that any process has received.
    """
    from jax.experimental import multihost_utils

    def hook(training):
        [history] = training.rows
        reason, number = history.progress["ended_by"], signal.Signals[received[0]] if received else 0
        text = np.frombuffer((reason or "").encode()[:REASON_BYTES].ljust(REASON_BYTES), np.uint8)
        numbers, are_ended, texts = multihost_utils.process_allgather((np.int32(number), reason is not None, text))
        if numbers.any():
            received_by_any[:] = [signal.Signals(numbers[numbers > 0][0]).name]
        if are_ended.any() and history.status is None:
            history.end_early(bytes(texts[are_ended.argmax()]).decode(errors="ignore").rstrip())

    return hook
