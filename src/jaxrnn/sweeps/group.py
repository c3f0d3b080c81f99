"""Training a group of runs as one compiled program, into the run folders that single runs would have left behind."""

import time

import jax
import jax.numpy as jnp

from jaxrnn import runtime
from jaxrnn.experiments.build import built, description
from jaxrnn.precision import steps_within
from jaxrnn.sweeps import halving
from jaxrnn.sweeps.group_checkpoint import GroupCheckpoint
from jaxrnn.sweeps.halving import Options
from jaxrnn.sweeps.members import Members, finish, save_runs
from jaxrnn.training import history as histories
from jaxrnn.training import identity, single_run
from jaxrnn.training.loop import Clock, Training, stop_when, train
from jaxrnn.training.probes import Probes


def train_group(group, cfgs, folders, store, options=Options(), received=(), watch=None, configured=lambda: None):
    """Trains the runs of a group that have not ended, together.

    Args:
      group: a `jaxrnn.sweeps.grouping.Group`.
      cfgs, folders: {member: checked configuration}, {member: run folder}, of the members that have not ended.
      store: the folder of the group's own checkpoint, from which an interrupted group goes on.
      options: `Options`.
      received: signals that the process has received; after one the group is saved and left.
      watch: called with (updates, [history]) after every report; None for nobody.
      configured: called before a run is saved in its folder; returns once that holds its configuration.

    Yields:
      (member, summary) of each run that has ended, once its folder is written.

    Raises:
      ConfigError: if the configuration of the group cannot be used, or its checkpoint is broken.
      OSError: if something cannot be written.
    """
    steps = _trained(group, cfgs, folders, store, options, received, watch, configured)
    return steps_within(group.cfg.trainer.get("precision"), steps)


def _trained(group, cfgs, folders, store, options, received, watch, configured):
    experiment = group.experiment or built(group.cfg)
    halving.check(options, experiment.task.trainer.report_every)
    members = Members(group, experiment, cfgs, folders, {}, configured)
    kept = GroupCheckpoint(store)
    waiting, limit = list(folders), options.max_runs or len(folders)
    restored = kept.members() if kept.members() and any(m in folders for m in kept.members()) else None
    while restored or waiting:
        began = time.perf_counter()
        rows = restored or _padded(waiting[:limit])
        engine = members.engine(rows, begins=not restored)
        if not restored and engine.bytes > runtime.free_memory() and len(rows) > jax.local_device_count():
            limit = len(rows) // 2
            continue
        training = _restored(members, rows, engine, kept, began) if restored else _fresh(members, rows, engine, began)
        waiting, restored = [member for member in waiting if member not in rows], None
        yield from _run(members, rows, training, kept, options, received, watch)
        if received:
            return


def _fresh(members, rows, engine, began):
    """The training of runs that begin."""
    own = {member: _history(members, member) for member in dict.fromkeys(rows)}
    states = engine.init()
    return Training(members.experiment.task, engine, [own[m] for m in rows], states, states.params, Clock(0.0, began))


def _restored(members, rows, engine, kept, began):
    """The training of runs that go on from the group's checkpoint; of those that ended before nothing is written."""
    own, (states, best, tables) = {}, kept.restore(engine)
    for member in dict.fromkeys(rows):
        saved = kept.history(member)
        if member not in members.folders:  # its folder was written to the end
            own[member] = histories.History(0)
            continue
        own[member] = _history(members, member, kept.step(), saved["progress"], tables[member])
        if saved["status"] not in (None, "stopped"):  # its folder was not written to the end
            own[member].end(saved["status"], saved["reason"])
    seconds = kept.seconds()
    return Training(members.experiment.task, engine, [own[m] for m in rows], states, best, Clock(seconds, began))


def _history(members, member, step=0, progress=None, saved=""):
    experiment = members.experiment
    task, folder, seed = experiment.task, members.folders[member], members.seed(member)
    own = histories.in_folder(
        folder, task.trainer, tuple(task.measured), bool(experiment.cfg.get("tensorboard")), step, progress, saved
    )
    settings = single_run.settings(members.made(member), seed, description(members.cfgs[member]))
    if progress is not None:
        identity.check(progress["settings"], settings, folder)
    own.progress["settings"] = settings
    probing = [Probes(experiment.probes, task, seed, folder)] if experiment.probes else []
    members.callbacks[member] = [*experiment.callbacks, *probing]
    return own


def _run(members, rows, training, kept, options, received, watch):
    """Trains rows to their ends, or until a signal is received; yields as `train_group`."""
    checkpointing, trainer = members.experiment.checkpointing, training.task.trainer
    cuts, own = options.cuts(trainer.steps), {"rows": rows, "saved": time.perf_counter()}

    def call(training):
        for row, history in training.reported.items():
            member = own["rows"][row]
            single_run.call(
                members.callbacks[member], training, row, history, members.seed(member), members.folders[member]
            )

    def save(training):
        reached = max(history.step for history in training.runs().values())
        is_cut = reached in cuts
        if is_cut:
            halving.cut(training, options.halve_factor)
        stop_when(received)(training)
        if watch is not None:
            watch(training.report.loss.shape[-1], list(training.reported.values()))
        going = training.going()
        if going and checkpointing.keep_every is not None and reached % checkpointing.keep_every == 0:
            save_runs(members, own["rows"], training, going)
        due = time.perf_counter() - own["saved"] >= checkpointing.seconds
        if received or is_cut or (going and (due or kept.is_lost())):
            kept.save(training, own["rows"])
            own["saved"] = time.perf_counter()

    for ended in train(training, [call, save]):
        finished = [row for row in ended if own["rows"][row] in members.folders]
        if finished:
            yield from finish(members, own["rows"], training, finished)
        if training.going():
            own["rows"] = _pack(members, own["rows"], training)


def _pack(members, rows, training):
    """Leaves the runs that go on alone in a smaller program, where that saves more time than compiling it takes.

    Returns:
      The members of the training's rows.
    """
    going = list(training.going())
    left = training.task.trainer.steps - training.step()
    kept = _padded(going)
    if training.report is None or training.clock.needed(left) * (1 - len(kept) / len(rows)) < (
        training.engine.compile_seconds
    ):
        return rows
    states, best = jax.device_get(
        jax.tree.map(
            lambda a: a[jnp.array(kept)],
            (training.engine.portable(training.states)._replace(key=None), training.best),
        )
    )
    keys = jax.device_get(jax.random.key_data(training.states.key)[jnp.array(kept)])
    packed = [rows[row] for row in kept]
    training.engine = members.engine(packed, begins=False)
    training.states, training.best = training.engine.place(states._replace(key=keys), best)
    training.rows = [training.rows[row] for row in kept]
    return packed


def _padded(members):
    """The members, the last one repeated until they share out evenly over the devices."""
    devices = jax.local_device_count()
    missing = -len(members) % devices if len(members) > devices else 0
    return [*members, *[members[-1]] * missing]
