"""Trains one model with several processes: all of them compute, and the first one writes the run folder."""

import contextlib
import hashlib
import shutil
import tempfile
from pathlib import Path

import jax
import numpy as np

from jaxrnn import runtime
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.watchdog import Peers
from jaxrnn.storage import metrics_csv


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
