"""The members of a group: the task and the engine that they share, and the run folders that they leave behind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxrnn.experiments import saved
from jaxrnn.experiments.build import Experiment, assemble, with_values
from jaxrnn.experiments.files import record, save_figures
from jaxrnn.training import engine as engines
from jaxrnn.training import records
from jaxrnn.training.checkpoints import Checkpoints
from jaxrnn.training.priming import generates, primed
from jaxrnn.training.probes import Probes
from jaxrnn.training.run import Run

WRITERS = 16  # threads


class Members(NamedTuple):
    """The members of a group that have not ended.

    Fields:
      group: a `jaxrnn.sweeps.grouping.Group`.
      experiment: the `Experiment` of its first member.
      cfgs, folders: {member: configuration}, {member: run folder}.
      callbacks: {member: callbacks of its own}, a member's probes among them.
      configured: returns once the run folders hold their configurations, on which their checkpoints count.
    """

    group: Any
    experiment: Experiment
    cfgs: dict
    folders: dict
    callbacks: dict
    configured: Callable[..., Any]

    def task(self, values):
        """The task of a run with these values, one a name of the group, which may be traced."""
        group, task = self.group, self.experiment.task
        varied = any(name.startswith("data.") for name in group.names)
        cfg = with_values(self.experiment.cfg, group.names, values)
        return assemble(cfg, None if varied else task.dataset)

    def made(self, member):
        """The task of one member, its data set that of all where no value of it varies."""
        varied = any(name.startswith("data.") for name in self.group.names)
        return self.task(self.value(member)) if varied else self.experiment.task

    def values(self, members):
        """The values of runs, [N] arrays."""
        places = [self.group.members.index(member) for member in members]
        return tuple(jnp.asarray(column[places], float) for column in self.group.values)

    def value(self, member):
        """The values of one run, as numbers."""
        return tuple(float(column[self.group.members.index(member)]) for column in self.group.values)

    def seed(self, member):
        return self.group.seeds[self.group.members.index(member)]

    def engine(self, rows, begins):
        """The engine of rows of members, compiled."""
        task = self.experiment.task
        generated = primed(task) if generates(task) else None
        seeds = [self.seed(member) for member in rows]
        splits = tuple(task.dataset.splits)
        return engines.group(self.task, seeds, self.values(rows), splits, generated, begins)


def save_runs(members, rows, training, chosen):
    """Checkpoints single runs, as they would be alone; returns the best params of all rows, on the host."""
    members.configured()
    states, best = training.engine.portable(training.states), training.best
    states, best = jax.device_get((states._replace(key=jax.random.key_data(states.key)), best))

    def save(row):
        folder, history = members.folders[rows[row]], training.rows[row]
        history.flush()
        history.progress["seconds"] = training.clock.seconds()
        saved.keep(folder)
        checkpoints = Checkpoints(folder, members.experiment.checkpointing.keep_every)
        own_state, own_best = jax.tree.map(lambda a: a[row], (states, best))
        checkpoints.save(history.step, own_state, own_best, history.progress, {records.FILE: history.text()})

    with ThreadPoolExecutor(WRITERS) as writers:  # a disk takes many files at once in the time of one
        list(writers.map(save, chosen))
    return best


def finish(members, rows, training, ended):
    """Writes the folders of runs that have ended, the summary last; yields as `train_group`."""
    best, experiment = save_runs(members, rows, training, ended), members.experiment
    stopped = training.rows[ended[0]].status == "stopped"
    metrics, generated = ({}, None) if stopped else _evaluated(members, training)
    for row in ended:
        member, history = rows[row], training.rows[row]
        drawn = members.cfgs[member].get("figures") and not stopped  # by the run's own values
        run = Run(
            members.task(members.value(member)) if drawn else experiment.task,
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
            evaluator=None if drawn else experiment.evaluator,
        )
        if not stopped:
            own = {name: values[row] for name, values in metrics.items()}
            run.keep(own, None if generated is None else generated[row])
        content = run.summary()
        if drawn:
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


def _evaluated(members, training):
    """({split: [{metric: value} of every row]}, ys [N, length, K] or None) of the best params."""
    experiment, engine = members.experiment, training.engine
    metrics = {}
    for name, batch in experiment.task.dataset.splits.items():
        baseline = {"baseline": experiment.evaluator.baseline(batch)}
        metrics[name] = [{"loss": r["loss"], **baseline, **r} for r in engine.evaluate(name, training.best)]
    if not generates(experiment.task):
        return metrics, None
    return metrics, engine.generate(training.best, primed(experiment.task))
