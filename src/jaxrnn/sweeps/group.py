"""Trains a group of runs in one compiled program; each run leaves the folder that a single run would leave."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxrnn import runtime
from jaxrnn.experiments.build import instantiate
from jaxrnn.precision import steps_within
from jaxrnn.sweeps import halving
from jaxrnn.sweeps.halving import Options
from jaxrnn.sweeps.members import Members
from jaxrnn.training.lifecycle import Program, padded, train_members


class Sweep(NamedTuple):
    """Values that the groups of a sweep share while they train.

    Fields:
      folder: the sweep's folder.
      options: `jaxrnn.sweeps.halving.Options`.
      received: signals that the process has received. After a signal the group is saved and its training stops.
      watch: (number of updates, [history of each run]) -> None, called after every report.
      configured: () -> None, called before a run is saved in its folder. It waits until the folder holds the run's
        configuration.
    """

    folder: Path
    options: Options = Options()
    received: Sequence[str] = ()
    watch: Callable[..., Any] = lambda updates, histories: None
    configured: Callable[[], Any] = lambda: None


def train_group(group, jobs, sweep, store_folder):
    """Trains the runs of a group that have not ended, in one program.

    Args:
      group: a `jaxrnn.sweeps.grouping.Group`.
      jobs: {member: `Job`} of the members that have not ended.
      sweep: the `Sweep`.
      store_folder: the folder of the group's own checkpoint, from which an interrupted group resumes.

    Yields:
      (member, summary) of each run that has ended, once its folder is written.

    Raises:
      ConfigError: if the configuration of the group cannot be used, or its checkpoint is damaged.
      OSError: if a file cannot be written.
    """
    steps = _train_programs(group, jobs, sweep, store_folder)
    return steps_within(group.cfg.trainer.get("precision"), steps)


def _train_programs(group, jobs, sweep, store_folder):
    experiment = group.experiment or instantiate(group.cfg)
    task, options = experiment.task, sweep.options
    members, cuts = Members(group, experiment, jobs), []
    if not group.is_single:  # a single run is not pruned
        halving.check(options, task.trainer.report_every)
        cuts = options.cuts(task.trainer.steps)
    store, resumed = members.store(store_folder, sweep.configured)
    program = Program(task, members.engine, store, experiment.checkpointing, sweep.received, cuts)
    hooks = [_cut_at(cuts, options), _show_on(sweep.watch)]
    for engine, rows, began in _programs(members, list(jobs), resumed, options.max_runs):
        for ended in train_members(program, engine, rows, hooks, began):
            yield ended.member.number, members.complete(ended)
        if sweep.received:
            return


def _programs(members, waiting, resumed, max_runs):
    """Yields (engine, rows, time at which its compilation began), each with as many members as the memory allows.

    Args:
      members: the `Members` of the group.
      waiting: the numbers of the members that have not ended.
      resumed: those that the interrupted program was training; they are trained first, in one program.
      max_runs: bound of the members of one program, or None.
    """
    limit = max_runs or len(waiting)
    while resumed or waiting:
        began = time.perf_counter()
        rows = members.rows(resumed or padded(waiting[:limit]))
        engine = members.engine(rows, begins=not resumed)
        if not resumed and engine.bytes > runtime.free_memory() and len(rows) > jax.local_device_count():
            limit = len(rows) // 2
            continue
        numbers = {member.number for member in rows}
        waiting, resumed = [number for number in waiting if number not in numbers], []
        yield engine, rows, began


def _cut_at(cuts, options):
    """Returns the hook that prunes runs when the training reaches a cut of successive halving.

    The program saves at every cut: after it the pruned runs must not train again.
    """

    def hook(training):
        if training.last_step() in cuts:
            halving.cut(training, options.halve_factor)

    return hook


def _show_on(watch):
    def hook(training):
        watch(training.report.loss.shape[-1], list(training.reported.values()))

    return hook
