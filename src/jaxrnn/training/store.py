"""Stores of the runs of a program: the contract of a `Store`, and the store that keeps runs in memory."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from jaxrnn.training.callbacks import Progress
from jaxrnn.training.engine import Engine
from jaxrnn.training.history import History
from jaxrnn.training.loop import Training
from jaxrnn.training.update import TrainState
from jaxrnn.types import NonNegative, Params, Size


class Checkpointing(NamedTuple):
    """Intervals between checkpoints.

    Fields:
      seconds: seconds between two checkpoints. The first and the last report of a single run always save one.
      keep_every: updates between two checkpoints that are never deleted, for studies of the training; a multiple of
        the updates between two reports. None to keep only the last checkpoint.
    """

    seconds: NonNegative = 10.0
    keep_every: Size | None = None


class Member(NamedTuple):
    """A run of a program: what is its own.

    Fields:
      seed: seed of its params and of every later draw.
      callbacks: functions of a `Progress`, called at its reports.
      folder: its run folder; None for a run that is kept in memory.
      settings: what identifies it, stored in its checkpoints (see `jaxrnn.storage.fingerprint`).
      number: its number in the group.
      is_complete: whether it had ended and its folder is complete; its row only fills the program.
      writers: further writers of its reports, as in `jaxrnn.training.history.History`.
    """

    seed: int
    callbacks: Sequence[Callable[[Progress], str | None]] = ()
    folder: Path | None = None
    settings: dict[str, Any] | None = None
    number: int = 0
    is_complete: bool = False
    writers: Sequence[Any] = ()


class Restored(NamedTuple):
    """The runs of a program at their last checkpoint.

    Fields:
      states, best: as in `Training`, on the devices.
      rows: one `History` per row.
      seconds: seconds that the runs have trained.
    """

    states: TrainState
    best: Params
    rows: list[History]
    seconds: float


class Store(Protocol):
    """Saves the runs of a program, and restores them."""

    def restore(self, engine: Engine, members: Sequence[Member]) -> Restored | None:
        """Reads the last checkpoint of the members, one per row; None if there is none."""
        ...

    def new_history(self, member: Member) -> History:
        """Builds the history of a member before its first update."""
        ...

    def report(self, training: Training) -> None:
        """Writes what must be on disk after every report."""
        ...

    def is_missing(self) -> bool:
        """Returns whether a checkpoint should be there but is not."""
        ...

    def save(self, training: Training) -> None:
        """Saves a checkpoint from which all rows can resume."""
        ...

    def keep(self, training: Training, rows: Sequence[int]) -> None:
        """Saves the current checkpoint of these rows in their run folders."""
        ...


class InMemory:
    """Store of runs that are not saved.

    Args:
      steps: number of updates of each run.
    """

    def __init__(self, steps: int):
        self._steps = steps

    def restore(self, engine, members):
        return None

    def new_history(self, member):
        return History(self._steps, member=member)

    def report(self, training):
        pass

    def is_missing(self):
        return False

    def save(self, training):
        pass

    def keep(self, training, rows):
        pass
