"""Run folders while their runs train: metrics and checkpoints, which a run resumes from."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax

from jaxrnn import atomic
from jaxrnn.storage import fingerprint, metrics_csv
from jaxrnn.storage.checkpoints import Checkpoints
from jaxrnn.training.history import History
from jaxrnn.training.store import Restored

WRITERS = 16  # threads that write run folders: a disk syncs many files in the time of one


class RunFolders:
    """Writes the metrics and the checkpoints of runs into their folders.

    Args:
      task: the `Task` of the runs.
      keep_every: as in `jaxrnn.training.Checkpointing`.
    """

    def __init__(self, task, keep_every=None):
        self._task, self._keep_every = task, keep_every
        self._checkpoints, self._saved_steps, self._synced = {}, {}, set()

    def history(self, member, step=0, progress=None, text=""):
        """Builds the `History` of a member that writes into its folder, which is created if it does not exist.

        Args:
          member: the `Member`.
          step, progress: as in `History`.
          text: the content of `metrics.csv` at that step.

        Raises:
          ConfigError: if the checkpoint is of another run.
        """
        if progress is not None:
            fingerprint.check(progress["settings"], member.settings, member.folder)
        member.folder.mkdir(parents=True, exist_ok=True)
        metrics_file = metrics_csv.Metrics(member.folder, step, tuple(self._task.measured), text)
        writers = [metrics_file, *member.writers]
        steps = self._task.trainer.steps
        history = History(steps, step, progress, metrics_file.rows, writers, metrics_file.text, member)
        history.progress["settings"] = member.settings
        return history

    def checkpoints(self, folder):
        """Returns the `Checkpoints` of a run folder."""
        if folder not in self._checkpoints:
            self._checkpoints[folder] = Checkpoints(folder, self._keep_every, fingerprint.Progress)
        return self._checkpoints[folder]

    def keep(self, training, rows):
        """Saves a checkpoint of each of the rows in its run folder, unless this step is saved already."""
        histories = {row: training.rows[row] for row in rows}
        unsaved = {row: h for row, h in histories.items() if self._saved_steps.get(h.member.folder) != h.step}
        for history in histories.values():
            history.flush()
        if not unsaved:
            return
        states, best = training.engine.to_host(training.states), jax.device_get(training.best)
        seconds = training.clock.seconds()

        def save(row):
            history = histories[row]
            history.progress["seconds"] = seconds
            state, params = (training.engine.of_run(tree, row) for tree in (states, best))
            self.write(history.member.folder, history.step, state, params, history.progress, history.text())

        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(save, unsaved))

    def write(self, folder, step, state, best, progress, text):
        """Writes a checkpoint of one run; arguments as in `Checkpoints.save`, with the text of `metrics.csv`."""
        if folder not in self._synced:
            sync_configuration(folder)
            self._synced.add(folder)
        self.checkpoints(folder).save(step, state, best, progress, {metrics_csv.FILE: text})
        self._saved_steps[folder] = step

    def saved_step(self, folder):
        """Returns the step of the last checkpoint that was read or written; None if there is none."""
        return self._saved_steps.get(folder)

    def has_read(self, folder, step):
        """Notes that the checkpoint of a step was read, so that the same step is not saved again."""
        self._saved_steps[folder] = step


class RunFolder:
    """Store of a single run: its folder (see `jaxrnn.training.store.Store`).

    Args:
      folder: the run folder.
      task, keep_every: as in `RunFolders`.
    """

    def __init__(self, folder, task, keep_every=None):
        self._folder, self._run_folders = folder, RunFolders(task, keep_every)
        self._checkpoints = self._run_folders.checkpoints(folder)
        self._last_report = None

    def restore(self, engine, members):
        saved = self._checkpoints.restore(engine.shapes, engine.shapes.params)
        if saved is None:
            return None
        text = metrics_csv.saved_text(saved.tables, metrics_csv.FILE, self._folder)
        history = self._run_folders.history(members[0], int(saved.state.step), saved.progress, text)
        self._run_folders.has_read(self._folder, history.step)
        states, best = engine.to_device(saved.state, saved.best)
        return Restored(states, best, [history], history.progress["seconds"])

    def new_history(self, member):
        return self._run_folders.history(member)

    def report(self, training):
        history = training.rows[0]
        history.flush()
        if history.status != "diverged":
            progress = {**history.progress, "seconds": training.clock.seconds()}
            self._last_report = (training, history.step, training.states, training.best, progress, history.text())

    def is_missing(self):
        return self._run_folders.saved_step(self._folder) is None or self._checkpoints.is_lost()

    def save(self, training):
        self.keep(training, [0])

    def keep(self, training, rows):
        self._run_folders.keep(training, rows)

    def save_last_report(self):
        """Saves the state of the last report; safe to call from another thread while the training runs."""
        if self._last_report is None:
            return
        training, step, states, best, progress, text = self._last_report
        if step != self._run_folders.saved_step(self._folder):
            state, best = training.engine.to_host(states), jax.device_get(best)
            self._run_folders.write(self._folder, step, state, best, progress, text)


def sync_configuration(folder):
    """Flushes to disk the configuration files that Hydra wrote, since the first checkpoint relies on them."""
    hydra_folder = Path(str(folder)).absolute() / ".hydra"
    if hydra_folder.is_dir():
        for path in (*atomic.whole(hydra_folder, "*.yaml"), hydra_folder, hydra_folder.parent):
            atomic.sync(path)
        for parent in list(hydra_folder.parent.parents)[:2]:
            with contextlib.suppress(PermissionError):  # this process may not be allowed to read it
                atomic.sync(parent)
