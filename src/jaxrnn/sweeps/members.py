"""Members of a group: the experiment, the engine and the store that they share, and what is their own."""

from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp

from jaxrnn.experiments import fitting
from jaxrnn.experiments.build import Experiment, assemble, with_values
from jaxrnn.storage.group_store import GroupStore
from jaxrnn.storage.run_folders import RunFolder
from jaxrnn.sweeps.grouping import Group
from jaxrnn.sweeps.job import Job
from jaxrnn.training import engine as engines
from jaxrnn.training import evaluation
from jaxrnn.training.priming import generates, generation_inputs
from jaxrnn.training.store import Member


class Members(NamedTuple):
    """Members of a group that have not ended.

    Fields:
      group: their `Group`.
      experiment: the `Experiment` of its first member.
      jobs: {number of a member in the group: its `Job`}.
    """

    group: Group
    experiment: Experiment
    jobs: dict[int, Job]

    def rows(self, numbers):
        """Builds the `Member`s of the rows of a program; the rows of one member share one."""
        by_number = {number: self._member(number) for number in dict.fromkeys(numbers)}
        return [by_number[number] for number in numbers]

    def engine(self, members, begins=False):
        """Compiles the engine of rows, each of which trains a member. A single run shards its rows over the devices.

        Args:
          members: one `Member` per row.
          begins: whether the members begin with their first update.
        """
        task = self.experiment.task
        if self.group.is_single:
            return engines.single(task, members[0].seed, self.experiment.evaluator)
        generated = generation_inputs(task) if generates(task) else None
        settings = [self.group.settings[member.number] for member in members]
        columns = zip(*(setting.values for setting in settings), strict=True)
        values = tuple(jnp.asarray(column, float) for column in columns)
        seeds = [setting.seed for setting in settings]
        return engines.group(self._task, seeds, values, tuple(task.dataset.splits), generated, begins)

    def store(self, folder, configured):
        """Builds the store of the group: (the store, the numbers of the members that it resumes, one per row).

        Args:
          folder: the folder of the group's own checkpoint.
          configured: as in `GroupStore`.
        """
        experiment = self.experiment
        options = (experiment.task, experiment.checkpointing.keep_every)
        if self.group.is_single:
            configured()
            [job] = self.jobs.values()
            return RunFolder(Path(job.folder), *options), []
        store = GroupStore(folder, *options, configured)
        return store, store.members_to_resume(self.jobs)

    def complete(self, ended):
        """Writes the summary of a member that has ended, and its figures if its configuration asks for them."""
        experiment = self._experiment_of(ended.member.number)
        figures = bool(experiment.cfg.get("figures"))
        if figures and not self.group.is_single and ended.history.status != "stopped":  # they need its own task
            task = self._task(self.group.settings[ended.member.number].values)
            experiment = experiment._replace(task=task, evaluator=evaluation.evaluator(task))
        return fitting.complete(fitting.run_of(ended, experiment), experiment.probes, figures)

    def _member(self, number):
        setting = self.group.settings[number]
        if number not in self.jobs:
            return Member(setting.seed, number=number, is_complete=True)
        experiment = self._experiment_of(number)
        if self._is_varying_data() or experiment.probes:  # fingerprints and probes need the member's own task
            experiment = experiment._replace(task=self._task(setting.values))
        job = self.jobs[number]
        return fitting.member_of(experiment, job.folder, number, job.name)

    def _experiment_of(self, number):
        """Returns the experiment of a member, with the task of the group."""
        return self.experiment._replace(cfg=self.jobs[number].cfg, seed=self.group.settings[number].seed)

    def _task(self, values):
        """Builds the task of a run from one value per name of the group; the values may be traced."""
        cfg = with_values(self.experiment.cfg, self.group.names, values)
        return assemble(cfg, None if self._is_varying_data() else self.experiment.task.dataset)

    def _is_varying_data(self):
        return any(name.startswith("data.") for name in self.group.names)
