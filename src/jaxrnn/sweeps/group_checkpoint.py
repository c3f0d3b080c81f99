"""Checkpoint of a group of runs that one program trains, from which an interrupted group resumes."""

from pathlib import Path
from typing import Annotated

import jax
import numpy as np
from annotated_types import MinLen
from typing_extensions import TypedDict

from jaxrnn.errors import DamagedError
from jaxrnn.training import metrics_csv
from jaxrnn.training.checkpoints import Checkpoints
from jaxrnn.training.history import Progress


class MemberHistory(TypedDict):
    """Progress of a member, and how it ended."""

    progress: Progress
    status: str | None
    reason: str | None


class GroupProgress(TypedDict):
    """Notes of a group's checkpoint: the members of its rows, their histories, and the seconds of training."""

    members: Annotated[list[int], MinLen(1)]
    histories: dict[str, MemberHistory]
    seconds: float


class GroupCheckpoint:
    """One checkpoint with the states of all rows, their members, and the progress of the members' histories.

    Args:
      folder: the folder of the checkpoint.
    """

    def __init__(self, folder):
        self._folder, self._checkpoints = Path(folder), Checkpoints(folder, schema=GroupProgress)
        self._saved = progress = self._checkpoints.progress() if self._checkpoints.steps() else None
        if progress is not None and {str(member) for member in progress["members"]} != set(progress["histories"]):
            raise DamagedError(f"{folder}: its checkpoint is damaged: its histories do not match its members")

    def members(self):
        """Returns the members of the saved rows, in order; None without a checkpoint."""
        return None if self._saved is None else self._saved["members"]

    def history(self, member):
        """Returns {"progress", "status", "reason"} of a member."""
        return self._saved["histories"][str(member)]

    def step(self):
        """Returns the number of updates that the runs had made."""
        return self._checkpoints.steps()[-1]

    def seconds(self):
        """Returns the seconds that the group had trained."""
        return self._saved["seconds"]

    def restore(self, engine):
        """Reads (states, best params, {member: text of its `metrics.csv`}), on the engine's devices."""
        states, best, _, tables = self._checkpoints.restore(engine.shapes, engine.shapes.params)
        texts = {member: metrics_csv.saved_text(tables, str(member), self._folder) for member in self.members()}
        return *engine.to_device(states, best), texts

    def is_lost(self):
        """Returns whether the last saved checkpoint has been deleted, and logs a warning if so."""
        return self._checkpoints.is_lost()

    def save(self, training, members):
        """Saves the states of a `Training`; `members` are its rows."""
        for history in training.runs().values():
            history.flush()
        histories = {
            str(members[row]): {"progress": history.progress, "status": history.status, "reason": history.reason}
            for row, history in training.runs().items()
        }
        progress = {"members": members, "histories": histories, "seconds": training.clock.seconds()}
        step = max(history.step for history in training.runs().values())
        states = training.engine.portable(training.states)
        tables = {str(members[row]): history.text() for row, history in training.runs().items()}
        for folder in (self._folder.parent, self._folder):  # but not the sweep's folder: if deleted, it stays deleted
            folder.mkdir(exist_ok=True)
        self._checkpoints.save(step, jax.tree.map(np.asarray, _key_data(states)), training.best, progress, tables)


def _key_data(states):
    return states._replace(key=jax.random.key_data(states.key))
