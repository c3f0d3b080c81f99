"""Trains a group of runs in one compiled program; each run leaves the folder that a single run would leave."""

import time

import jax
import jax.numpy as jnp

from jaxrnn import runtime
from jaxrnn.experiments.build import description, instantiate
from jaxrnn.precision import steps_within
from jaxrnn.sweeps import halving
from jaxrnn.sweeps.group_checkpoint import GroupCheckpoint
from jaxrnn.sweeps.halving import Options
from jaxrnn.sweeps.members import Members, finish, save_runs
from jaxrnn.training import fingerprint, single_run
from jaxrnn.training import history as histories
from jaxrnn.training.loop import Clock, Training, stop_when, train
from jaxrnn.training.probes import Probes


def train_group(group, cfgs, folders, store, options=Options(), received=(), watch=None, configured=lambda: None):
    """Trains the runs of a group that have not ended, in one program.

    Args:
      group: a `jaxrnn.sweeps.grouping.Group`.
      cfgs, folders: {member: checked configuration}, {member: run folder} of the members that have not ended.
      store: the folder of the group's own checkpoint, from which an interrupted group resumes.
      options: `jaxrnn.sweeps.halving.Options`.
      received: signals that the process has received. After a signal the group is saved and its training stops.
      watch: (number of updates, [history of each run]) -> None, called after every report; or None.
      configured: () -> None, called before a run is saved in its folder. It waits until the folder holds the run's
        configuration.

    Yields:
      (member, summary) of each run that has ended, once its folder is written.

    Raises:
      ConfigError: if the configuration of the group cannot be used, or its checkpoint is damaged.
      OSError: if a file cannot be written.
    """
    steps = _train_members(group, cfgs, folders, store, options, received, watch, configured)
    return steps_within(group.cfg.trainer.get("precision"), steps)


def _train_members(group, cfgs, folders, store, options, received, watch, configured):
    """Trains one program after the other, each with as many members as the options and the memory allow."""
    experiment = group.experiment or instantiate(group.cfg)
    halving.check(options, experiment.task.trainer.report_every)
    members = Members(group, experiment, cfgs, folders, {}, configured)
    checkpoint = GroupCheckpoint(store)
    waiting, limit = list(folders), options.max_runs or len(folders)
    saved_rows = checkpoint.members() or []
    resumed_rows = saved_rows if any(member in folders for member in saved_rows) else None
    while resumed_rows or waiting:
        began = time.perf_counter()
        rows = resumed_rows or _padded(waiting[:limit])
        engine = members.engine(rows, begins=not resumed_rows)
        if not resumed_rows and engine.bytes > runtime.free_memory() and len(rows) > jax.local_device_count():
            limit = len(rows) // 2
            continue
        if resumed_rows:
            training = _restore(members, rows, engine, checkpoint, began)
        else:
            training = _initialise(members, rows, engine, began)
        waiting, resumed_rows = [member for member in waiting if member not in rows], None
        yield from _run(members, rows, training, checkpoint, options, received, watch)
        if received:
            return


def _initialise(members, rows, engine, began):
    """Builds the training of new runs."""
    by_member = {member: _history(members, member) for member in dict.fromkeys(rows)}
    states = engine.init()
    clock = Clock(0.0, began)
    return Training(members.experiment.task, engine, [by_member[m] for m in rows], states, states.params, clock)


def _restore(members, rows, engine, checkpoint, began):
    """Builds the training of runs that resume from the group's checkpoint."""
    by_member, (states, best, tables) = {}, checkpoint.restore(engine)
    for member in dict.fromkeys(rows):
        saved = checkpoint.history(member)
        if member not in members.folders:  # the run ended and its folder is complete: nothing is written again
            by_member[member] = histories.History(0)
            continue
        by_member[member] = _history(members, member, checkpoint.step(), saved["progress"], tables[member])
        if saved["status"] not in (None, "stopped"):  # the run ended, but its folder is not complete
            by_member[member].end(saved["status"], saved["reason"])
    clock = Clock(checkpoint.seconds(), began)
    return Training(members.experiment.task, engine, [by_member[m] for m in rows], states, best, clock)


def _history(members, member, step=0, progress=None, saved=""):
    """Builds the history of a member, and stores the member's callbacks in `members`."""
    experiment = members.experiment
    task, folder, seed = experiment.task, members.folders[member], members.seed(member)
    history = histories.in_folder(
        folder, task.trainer, tuple(task.measured), bool(experiment.cfg.get("tensorboard")), step, progress, saved
    )
    settings = single_run.settings(members.task_of(member), seed, description(members.cfgs[member]))
    if progress is not None:
        fingerprint.check(progress["settings"], settings, folder)
    history.progress["settings"] = settings
    probing = [Probes(experiment.probes, task, seed, folder)] if experiment.probes else []
    members.callbacks[member] = [*experiment.callbacks, *probing]
    return history


def _run(members, rows, training, checkpoint, options, received, watch):
    """Trains rows until all have ended or a signal is received; yields as `train_group`."""
    hooks = _Hooks(members, rows, checkpoint, options, training.task.trainer.steps, received, watch)
    # The order matters: `save` is last, so that the checkpoint records the runs that the other hooks have ended.
    in_order = [hooks.call_callbacks, hooks.cut, stop_when(received), hooks.show, hooks.save]
    for ended in train(training, in_order):
        unwritten = [row for row in ended if hooks.rows[row] in members.folders]
        if unwritten:
            yield from finish(members, hooks.rows, training, unwritten)
        if training.going():
            hooks.rows = _pack(members, hooks.rows, training)


class _Hooks:
    """Hooks that a group's training calls at every report.

    Fields:
      rows: the members of the training's rows, which change when ended runs leave the program.
    """

    def __init__(self, members, rows, checkpoint, options, steps, received, watch):
        self.rows = rows
        self._members, self._checkpoint, self._options = members, checkpoint, options
        self._cuts, self._received, self._watch = options.cuts(steps), received, watch
        self._saved_at = time.perf_counter()

    def call_callbacks(self, training):
        members = self._members
        for row, history in training.reported.items():
            member = self.rows[row]
            callbacks, folder = members.callbacks[member], members.folders[member]
            single_run.call(callbacks, training, row, history, members.seed(member), folder)

    def cut(self, training):
        """Prunes runs if the training has reached a cut of successive halving."""
        if _step(training) in self._cuts:
            halving.cut(training, self._options.halve_factor)

    def show(self, training):
        if self._watch is not None:
            self._watch(training.report.loss.shape[-1], list(training.reported.values()))

    def save(self, training):
        """Saves permanent checkpoints of the runs, and the group's own checkpoint if it is due."""
        checkpointing, step = self._members.experiment.checkpointing, _step(training)
        going = training.going()
        if going and checkpointing.keep_every is not None and step % checkpointing.keep_every == 0:
            save_runs(self._members, self.rows, training, going)
        is_late = time.perf_counter() - self._saved_at >= checkpointing.seconds
        # A cut is saved at once: after it the pruned runs must not train again.
        if self._received or step in self._cuts or (going and (is_late or self._checkpoint.is_lost())):
            self._checkpoint.save(training, self.rows)
            self._saved_at = time.perf_counter()


def _step(training):
    """Returns the number of updates of the runs that have trained longest."""
    return max(history.step for history in training.runs().values())


def _pack(members, rows, training):
    """Moves the runs that have not ended into a smaller program, if that saves time.

    Ended runs stay rows of the compiled program and cost as much as the others until the program is replaced.

    Returns:
      The members of the training's rows.
    """
    kept_rows = _padded(list(training.going()))
    if not _is_packing_faster(training, len(kept_rows), len(rows)):
        return rows
    states, best = _copy_rows(training, kept_rows)
    packed = [rows[row] for row in kept_rows]
    training.engine = members.engine(packed, begins=False)
    training.states, training.best = training.engine.to_device(states, best)
    training.rows = [training.rows[row] for row in kept_rows]
    return packed


def _is_packing_faster(training, kept_count, count):
    """Returns whether a program with fewer rows saves more seconds than its compilation takes.

    The estimate assumes that the time of an update is proportional to the number of rows, and that the smaller program
    takes as long to compile as the current one. Before the first report, no update has been timed.
    """
    if training.report is None:
        return False
    updates_left = training.task.trainer.steps - training.step()
    saved_seconds = training.clock.needed(updates_left) * (1 - kept_count / count)
    return saved_seconds >= training.engine.compile_seconds


def _copy_rows(training, rows):
    """Copies (states, best params) of some rows to the host, in the layout of `Engine.portable`."""
    index = jnp.array(rows)
    states = training.engine.portable(training.states)._replace(key=None)  # NumPy cannot hold keys, only their data
    states, best = jax.device_get(jax.tree.map(lambda a: a[index], (states, training.best)))
    key_data = jax.device_get(jax.random.key_data(training.states.key)[index])
    return states._replace(key=key_data), best


def _padded(members):
    """Repeats the last member until the devices divide the number of members evenly."""
    devices = jax.local_device_count()
    missing = -len(members) % devices if len(members) > devices else 0
    return [*members, *[members[-1]] * missing]
