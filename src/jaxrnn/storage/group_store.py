"""Store of a group: one checkpoint of all its runs, from which the group resumes, and the folders of its runs."""

from pathlib import Path
from typing import Annotated, Any

import jax
from annotated_types import MinLen
from typing_extensions import TypedDict

from jaxrnn.errors import DamagedError
from jaxrnn.storage import metrics_csv
from jaxrnn.storage.checkpoints import Checkpoints
from jaxrnn.storage.fingerprint import Progress
from jaxrnn.storage.run_folders import RunFolders
from jaxrnn.training.history import History
from jaxrnn.training.store import Restored


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


class GroupStore:
    """Store of the runs of a group (see `jaxrnn.training.store.Store`).

    Args:
      folder: the folder of the group's own checkpoint.
      task, keep_every: as in `RunFolders`.
      configured: () -> None, called before a run is saved in its folder. It waits until the folder holds the run's
        configuration.
    """

    def __init__(self, folder, task, keep_every=None, configured=lambda: None):
        self._folder, self._checkpoints = Path(folder), Checkpoints(folder, schema=GroupProgress)
        self._run_folders, self._configured = RunFolders(task, keep_every), configured
        self._saved = progress = self._checkpoints.progress() if self._checkpoints.steps() else None
        if progress is not None and {str(number) for number in progress["members"]} != set(progress["histories"]):
            raise DamagedError(f"{folder}: its checkpoint is damaged: its histories do not match its members")

    def members_to_resume(self, unfinished):
        """Returns the numbers of the saved members, one per row; an empty list if none of `unfinished` is saved."""
        if self._saved is None or not any(number in unfinished for number in self._saved["members"]):
            self._saved = None
            return []
        return self._saved["members"]

    def restore(self, engine, members):
        if self._saved is None:
            return None
        progress, self._saved = self._saved, None  # programs that begin after this one have no checkpoint
        saved_states: Any = self._checkpoints.restore(engine.shapes, engine.shapes.params)
        states, best, _, tables = saved_states
        step, histories = self._checkpoints.steps()[-1], {}
        for number, member in dict(zip(progress["members"], members, strict=True)).items():
            text = metrics_csv.saved_text(tables, str(number), self._folder)
            saved = progress["histories"][str(number)]
            histories[number] = self._restored(member, step, saved, text)
        rows = [histories[number] for number in progress["members"]]
        states, best = engine.to_device(states, best)
        return Restored(states, best, rows, progress["seconds"])

    def _restored(self, member, step, saved, text):
        """Builds the history of a member from the checkpoint."""
        if member.is_complete:  # nothing is written again
            return History(0, progress=saved["progress"], member=member)
        history = self._run_folders.history(member, step, saved["progress"], text)
        if saved["status"] not in (None, "stopped"):  # the run ended, but its folder is not complete
            history.end(saved["status"], saved["reason"])
        return history

    def new_history(self, member):
        return self._run_folders.history(member)

    def report(self, training):
        pass

    def is_missing(self):
        return self._checkpoints.is_lost()

    def save(self, training):
        histories = training.runs().values()
        for history in histories:
            history.flush()
        by_number = {
            str(history.member.number): {
                "progress": history.progress,
                "status": history.status,
                "reason": history.reason,
            }
            for history in histories
        }
        numbers = [history.member.number for history in training.rows]
        progress = {"members": numbers, "histories": by_number, "seconds": training.clock.seconds()}
        tables = {str(history.member.number): history.text() for history in histories}
        for folder in (self._folder.parent, self._folder):  # but not the sweep's folder: if deleted, it stays deleted
            folder.mkdir(exist_ok=True)
        states, best = training.engine.to_host(training.states), jax.device_get(training.best)
        self._checkpoints.save(training.last_step(), states, best, progress, tables)

    def keep(self, training, rows):
        self._configured()
        self._run_folders.keep(training, rows)
