"""The checkpoint of a group of runs that one program trains, from which an interrupted group goes on."""

from pathlib import Path
from typing import Annotated

import jax
import numpy as np
from annotated_types import MinLen
from typing_extensions import TypedDict

from jaxrnn.errors import DamagedError
from jaxrnn.training import records
from jaxrnn.training.checkpoints import Checkpoints
from jaxrnn.training.history import Progress


class MemberHistory(TypedDict):
    """How far a member is, and how it ended."""

    progress: Progress
    status: str | None
    reason: str | None


class GroupProgress(TypedDict):
    """What the checkpoint of a group notes: the members of its rows, and each one's history."""

    members: Annotated[list[int], MinLen(1)]
    histories: dict[str, MemberHistory]
    seconds: float


class GroupCheckpoint:
    """The states of all rows in one checkpoint, with the members that they are and their histories' progress.

    Args:
      folder: where it is kept.
    """

    def __init__(self, folder):
        self._folder, self._store = Path(folder), Checkpoints(folder, schema=GroupProgress)
        self._kept = self._store.progress() if self._store.steps() else None
        if self._kept is not None and {str(member) for member in self._kept["members"]} != set(self._kept["histories"]):
            raise DamagedError(f"{folder}: its checkpoint is damaged: its histories are not those of its members")

    def members(self):
        """The members of the rows of a group that goes on, in order; None where there is no checkpoint."""
        return None if self._kept is None else self._kept["members"]

    def history(self, member):
        """{"progress", "status", "reason"} of a member."""
        return self._kept["histories"][str(member)]

    def step(self):
        """Updates that the runs had made."""
        return self._store.steps()[-1]

    def seconds(self):
        """That the group had taken."""
        return self._kept["seconds"]

    def restore(self, engine):
        """(states, best params) as the engine takes them, and {member: text of its `metrics.csv`}."""
        found, best, _, tables = self._store.restore(engine.shapes, engine.shapes.params)
        texts = {member: records.saved_text(tables, str(member), self._folder) for member in self.members()}
        return *engine.place(found, best), texts

    def is_lost(self):
        """Whether what was saved last was deleted since, which is told."""
        return self._store.is_lost()

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
        for place in (self._folder.parent, self._folder):  # not the sweep's, which may have been deleted
            place.mkdir(exist_ok=True)
        self._store.save(step, jax.tree.map(np.asarray, _key_data(states)), training.best, progress, tables)


def _key_data(states):
    return states._replace(key=jax.random.key_data(states.key))
