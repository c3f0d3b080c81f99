"""Members of a group: the task and the engine that they share, and their run folders."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.experiments import saved_config
from jaxrnn.experiments.artifacts import record, save_figures
from jaxrnn.experiments.build import Experiment, assemble, with_values
from jaxrnn.training import engine as engines
from jaxrnn.training import metrics_csv
from jaxrnn.training.checkpoints import Checkpoints
from jaxrnn.training.priming import generates, primed
from jaxrnn.training.probes import Probes
from jaxrnn.training.run import Run

WRITERS = 16  # threads that write run folders


class Members(NamedTuple):
    """Members of a group that have not ended.

    Fields:
      group: a `jaxrnn.sweeps.grouping.Group`.
      experiment: the `Experiment` of its first member.
      cfgs, folders: {member: configuration}, {member: run folder}.
      callbacks: {member: its callbacks, with its probes}.
      configured: () -> None, waits until the run folders hold their configurations, which checkpoints need.
    """

    group: Any
    experiment: Experiment
    cfgs: dict
    folders: dict
    callbacks: dict
    configured: Callable[..., Any]

    def task(self, values):
        """Builds the task of a run from one value per name of the group; the values may be traced."""
        group, task = self.group, self.experiment.task
        varied = any(name.startswith("data.") for name in group.names)
        cfg = with_values(self.experiment.cfg, group.names, values)
        return assemble(cfg, None if varied else task.dataset)

    def task_of(self, member):
        """Returns the task of one member. If no key of the data varies, all members share one data set."""
        varied = any(name.startswith("data.") for name in self.group.names)
        return self.task(self.value(member)) if varied else self.experiment.task

    def values(self, members):
        """Returns the values of runs, one [N] array per name of the group."""
        indices = [self.group.members.index(member) for member in members]
        return tuple(jnp.asarray(column[indices], float) for column in self.group.values)

    def value(self, member):
        """Returns the values of one run, as numbers."""
        return tuple(float(column[self.group.members.index(member)]) for column in self.group.values)

    def seed(self, member):
        return self.group.seeds[self.group.members.index(member)]

    def engine(self, rows, begins):
        """Compiles the engine of rows, each of which trains a member."""
        task = self.experiment.task
        generated = primed(task) if generates(task) else None
        seeds = [self.seed(member) for member in rows]
        splits = tuple(task.dataset.splits)
        return engines.group(self.task, seeds, self.values(rows), splits, generated, begins)


def save_runs(members, rows, training, chosen):
    """Saves a checkpoint in the folder of each chosen row; returns the best params of all rows, on the host.

    Args:
      members: the `Members`.
      rows: the member that each row trains.
      training: the `Training` of the rows.
      chosen: numbers of the rows to save.
    """
    members.configured()
    states, best = training.engine.portable(training.states), training.best
    states, best = jax.device_get((states._replace(key=jax.random.key_data(states.key)), best))

    def save(row):
        folder, history = members.folders[rows[row]], training.rows[row]
        history.flush()
        history.progress["seconds"] = training.clock.seconds()
        saved_config.keep(folder)
        checkpoints = Checkpoints(folder, members.experiment.checkpointing.keep_every)
        row_state, row_best = jax.tree.map(lambda a: a[row], (states, best))
        checkpoints.save(history.step, row_state, row_best, history.progress, {metrics_csv.FILE: history.text()})

    with ThreadPoolExecutor(WRITERS) as writers:  # a disk syncs many files in the time of one
        list(writers.map(save, chosen))
    return best


def finish(members, rows, training, ended):
    """Completes the folders of runs that have ended, with the summary last; yields as `train_group`."""
    best, experiment = save_runs(members, rows, training, ended), members.experiment
    stopped = training.rows[ended[0]].status == "stopped"
    metrics, generated = ({}, None) if stopped else _evaluate(members, training)
    for row in ended:
        member, history = rows[row], training.rows[row]
        has_figures = members.cfgs[member].get("figures") and not stopped  # figures need the task of this member
        run = Run(
            members.task(members.value(member)) if has_figures else experiment.task,
            jax.tree.map(lambda a, row=row: a[row], best),
            history.progress["best_step"],
            history.step,
            history.table,
            seed=members.seed(member),
            status=history.status,
            reason=history.reason,
            folder=members.folders[member],
            cfg=members.cfgs[member],
            timing=_timing(members, member, rows, training),
            evaluator=None if has_figures else experiment.evaluator,
        )
        if not stopped:
            run_metrics = {name: values[row] for name, values in metrics.items()}
            run.keep(run_metrics, None if generated is None else generated[row])
        content = run.summary()
        if has_figures:
            save_figures(run, experiment.probes)
        yield member, record(run.folder, run.cfg, content)


def _timing(members, member, rows, training):
    probing = [callback for callback in members.callbacks[member] if isinstance(callback, Probes)]
    return {
        "seconds": training.clock.seconds(),
        "compile_seconds": training.engine.compile_seconds,
        "steps_per_second": training.clock.steps_per_second(),
        "probe_seconds": sum(callback.seconds for callback in probing),
        "together": len(set(rows)),
    }


def _evaluate(members, training):
    """Evaluates the best params: ({split: [{metric: value}, one per row]}, generated values [N, length, V] or None)."""
    experiment, engine = members.experiment, training.engine
    metrics = {}
    for name, batch in experiment.task.dataset.splits.items():
        baseline = {"baseline": experiment.evaluator.baseline(batch)}
        metrics[name] = [{"loss": row["loss"], **baseline, **row} for row in engine.evaluate(name, training.best)]
    if not generates(experiment.task):
        return metrics, None
    return metrics, engine.generate(training.best, primed(experiment.task))
