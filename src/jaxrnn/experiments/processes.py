"""One model by several processes: all compute, the first one writes."""

import contextlib
import hashlib
import shutil
import tempfile
from pathlib import Path

import jax
import numpy as np

from jaxrnn import runtime
from jaxrnn.errors import ConfigError
from jaxrnn.experiments.peers import Peers
from jaxrnn.training import records


@contextlib.contextmanager
def joined(go_on):
    """Joins the other processes of a computation for a block; gives its `Peers`, or None for one process alone.

    Args:
      go_on: gives the command that resumes the run where one of them is lost.
    """
    runtime.join_processes()
    if jax.process_count() == 1:
        yield None
    else:
        with Peers(go_on()) as peers:
            yield peers


def with_all_processes(train, experiment, folder, figures, peers):
    """Trains together with all processes, of which the first alone writes into the run folder.

    Args:
      train: (experiment, folder, figures, peers) -> summary.
      experiment, folder, figures: for `train`.
      peers: the `Peers`, or None.

    Raises:
      ConfigError: if the processes do not mean the same folder, or a batch cannot be shared out over them.
    """
    if peers is None:
        return train(experiment, folder, figures)
    from jax.experimental import multihost_utils

    processes = jax.process_count()
    if (batch_size := experiment.task.trainer.batch_size) % processes:
        raise ConfigError(f"trainer.batch_size={batch_size} cannot be shared out over {processes} processes")
    name = np.frombuffer(hashlib.sha256(str(folder.absolute()).encode()).digest(), np.uint8)
    if (multihost_utils.process_allgather(name) != name).any():
        raise ConfigError("the processes have different run folders; give them all the same hydra.run.dir=...")
    if jax.process_index() == 0:
        multihost_utils.sync_global_devices("the others have copied what they go on from")
        return train(experiment, folder, figures, peers)
    with tempfile.TemporaryDirectory() as own:
        if (folder / "checkpoints").is_dir():
            shutil.copytree(folder / "checkpoints", Path(own) / "checkpoints")
            shutil.copy(folder / records.FILE, own)
        multihost_utils.sync_global_devices("the others have copied what they go on from")
        return train(experiment, Path(own), False, peers)
