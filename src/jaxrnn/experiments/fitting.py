"""Trains an `Experiment` as a single run, and completes the folder of a run that has ended."""

import time
from pathlib import Path

from jaxrnn.experiments import tracking
from jaxrnn.experiments.artifacts import record, save_figures
from jaxrnn.experiments.build import description
from jaxrnn.experiments.multihost import end_together
from jaxrnn.experiments.run import Run
from jaxrnn.precision import computing
from jaxrnn.progress_bar import progress_bar
from jaxrnn.storage import fingerprint
from jaxrnn.storage.probe_files import Probes
from jaxrnn.storage.run_folders import RunFolder
from jaxrnn.training import engine as engines
from jaxrnn.training.lifecycle import Program, train_members
from jaxrnn.training.loop import interrupts
from jaxrnn.training.store import InMemory, Member


def fit(experiment, folder=None, peers=None):
    """Trains an experiment and returns its `Run`. With a folder, it resumes from the last checkpoint if there is one.

    Ctrl-C and SIGTERM end the run at its next report, as "stopped". A signal to one of several processes stops all.

    Args:
      experiment: the `Experiment`.
      folder: the run folder, which no other process may use; None to keep nothing on disk.
      peers: the `Peers` of the other processes that train the same run, or None.

    Raises:
      ConfigError: if the checkpoint in the folder is damaged or belongs to another run, or a probe cannot measure.
      OSError: if a file cannot be written.
    """
    task = experiment.task
    with computing(task.trainer.precision), interrupts() as received:
        began = time.perf_counter()
        if folder is None:
            store = InMemory(task.trainer.steps)
        else:
            store = RunFolder(Path(folder), task, experiment.checkpointing.keep_every)
            if peers is not None:
                peers.save = store.save_last_report
        member = member_of(experiment, folder)
        engine = engines.single(task, experiment.seed, experiment.evaluator, peers is not None)
        hooks, stopping = [], received
        if peers is not None:
            stopping = []
            hooks = [end_together(received, stopping)]
        program = Program(task, None, store, experiment.checkpointing, stopping)
        with progress_bar(task.trainer.steps) as bar:
            [ended] = train_members(program, engine, [member], [*hooks, _show_on(bar)], began)
    return run_of(ended, experiment)


def member_of(experiment, folder, number=0, name=None):
    """Builds the `Member` of an experiment.

    Args:
      experiment: the `Experiment` of the run.
      folder: its run folder, or None.
      number: its number in a group.
      name: its name in trackers; None for the one of `tracking.writers`.

    Raises:
      ConfigError: if a probe cannot measure, or the package of a tracker is not installed.
    """
    task, seed, cfg = experiment.task, experiment.seed, experiment.cfg
    folder = None if folder is None else Path(folder)
    program = None if cfg or folder is None else fingerprint.of_program(task)
    settings = fingerprint.settings_of(task, seed, description(cfg) if cfg else None, program)
    probes = [Probes(experiment.probes, task, seed, folder)] if experiment.probes else []
    writers = tracking.writers(experiment, folder, name)
    return Member(seed, [*experiment.callbacks, *probes], folder, settings, number, writers=writers)


def run_of(ended, experiment):
    """Builds the `Run` of an `Ended`."""
    history, member = ended.history, ended.member
    probe_seconds = sum(callback.seconds for callback in member.callbacks if isinstance(callback, Probes))
    run = Run(
        experiment.task,
        ended.best,
        history.progress["best_step"],
        history.step,
        history.table,
        seed=member.seed,
        status=history.status,
        reason=history.reason,
        folder=member.folder,
        cfg=experiment.cfg or None,
        timing={**ended.timing, "probe_seconds": probe_seconds, "together": ended.together},
        evaluator=experiment.evaluator,
    )
    run.trackers = member.writers
    if ended.results is not None:
        run.keep(ended.results)
    return run


def complete(run, probes, figures):
    """Writes the summary of a run that has ended into its folder and to its trackers, and its figures.

    Returns the summary.

    Args:
      run: the `Run`.
      probes: the probes of its experiment.
      figures: whether to draw the figures of a run that was not stopped.
    """
    content = record(run.folder, run.cfg or {}, run.summary())
    paths = save_figures(run, probes) if figures and run.status != "stopped" else []
    for tracker in run.trackers:
        tracker.finish(content, paths)
    return content


def _show_on(bar):
    """Returns the hook that shows a run on a progress bar."""

    def hook(training):
        for history in training.reported.values():
            if not bar.n:  # a resumed run begins where it was
                bar.initial = bar.n = bar.last_print_n = history.step - training.report.loss.shape[-1]
            bar.set_postfix({name: f"{loss:.3g}" for name, loss in history.losses.items()}, refresh=False)
            bar.update(history.step - bar.n)

    return hook
