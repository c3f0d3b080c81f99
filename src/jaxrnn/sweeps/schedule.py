"""Trains the runs of a sweep in compiled groups, one numbered folder per run; resumes interrupted sweeps."""

import contextlib
import functools
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jaxrnn import atomic, runtime
from jaxrnn.errors import ConfigError, DiskError
from jaxrnn.experiments import run_folder, schema
from jaxrnn.experiments.compose import compose, force
from jaxrnn.experiments.hydra_internals import grid
from jaxrnn.storage import summaries
from jaxrnn.sweeps import grouping, sharing
from jaxrnn.sweeps.group import Sweep, train_group
from jaxrnn.sweeps.halving import Options
from jaxrnn.sweeps.job import prepare_job, with_names, write_config
from jaxrnn.sweeps.progress import Progress, done, score
from jaxrnn.training.loop import interrupts

GROUPS = ".groups"  # folder of the groups' checkpoints, in the sweep's folder


def train(jobs, folder, options=Options(), prepare=lambda: None):
    """Trains the jobs of a sweep in compiled groups; jobs that have ended are not trained again.

    With several processes, each process trains a share of every group, and the first process waits for the others.

    Args:
      jobs: a list of `Job`s.
      folder: the sweep's folder, where the groups keep their checkpoints.
      options: `jaxrnn.sweeps.halving.Options`.
      prepare: function that writes the other files of the run folders. It runs in a thread once the first group
        trains, and has finished before the first run is saved.

    Returns:
      {number: summary} of the jobs; a job that could not be trained has the status "failed".

    Raises:
      DiskError: if a file cannot be written.
      SystemExit: after a signal, once everything is saved.
    """
    summaries = {job.number: content for job in jobs if (content := run_folder.ended(job.folder)) is not None}
    jobs, plan = with_names(jobs), grouping.plan([job.cfg for job in jobs])
    process, processes = runtime.processes()
    _print_plan(plan, process, processes, len(summaries), len(jobs))
    progress = Progress(jobs, summaries)
    signs_of_life = sharing.alive(folder, process) if processes > 1 else contextlib.nullcontext()
    with interrupts() as received, progress.bar, ThreadPoolExecutor(1) as thread, signs_of_life:
        # The first call starts `prepare`; every call returns its future. It starts once a group trains, because
        # Python is busy before that, tracing the group, and idle afterwards.
        begin_preparing = functools.cache(lambda: thread.submit(prepare))

        def watch(updates, histories):
            begin_preparing()
            progress.report(updates, histories)

        sweep = Sweep(Path(folder), options, received, watch, lambda: begin_preparing().result())
        for number, group in enumerate(plan.groups, 1):
            members = [m for m in group.members[process::processes] if jobs[m].number not in summaries]
            if members:
                began = time.perf_counter()
                summaries |= _train_group(group, jobs, members, sweep, progress)
                seconds = time.perf_counter() - began
                progress.say(f"group {number} of {len(plan.groups)}: {len(members)} trained in {seconds:.1f} s")
        begin_preparing().result()
        if process == 0 and processes > 1:
            summaries |= sharing.wait(jobs, done, folder, _shares(plan, jobs, processes), received=received)
            if len(summaries) < len(jobs):
                _end_after_signal(sweep)
    return summaries


def _print_plan(plan, process, processes, ended, jobs):
    if processes > 1:
        print(f"process {process + 1} of {processes} trains its share of every group")
    print("\n".join(plan.lines()))
    if ended:
        print(f"  {ended} of {jobs} runs have ended already")


def _train_group(group, jobs, members, sweep, progress):
    """Trains some members of a group: {number: summary}. After a signal it saves everything and ends the process."""
    summaries = {}
    process, processes = runtime.processes()  # another number of processes divides the members differently
    store = sweep.folder / GROUPS / f"{jobs[group.members[0]].number}_{process}_{processes}"
    for member, content in _train_members(group, {member: jobs[member] for member in members}, sweep, store):
        summaries[jobs[member].number] = content
        progress.ended(jobs[member], content)
    _end_after_signal(sweep)
    return summaries


def _shares(plan, jobs, processes):
    """Returns {number of a job: number of the process that trains it}."""
    return {
        jobs[member].number: index % processes for group in plan.groups for index, member in enumerate(group.members)
    }


def _train_members(group, jobs, sweep, store):
    """Trains some members of a group, {member: `Job`}, and yields (member, summary); `store` as in `train_group`."""
    try:
        yield from train_group(group, jobs, sweep, store)
    except ConfigError as error:
        for member, job in jobs.items():
            if run_folder.ended(job.folder) is None:
                run_folder.fail(job.folder, str(error))
                yield member, summaries.read(job.folder)
    except OSError as error:
        raise DiskError(atomic.refusal(error, "give the same command again")) from error
    else:
        if not sweep.received:
            shutil.rmtree(store, ignore_errors=True)
            with contextlib.suppress(OSError):  # the folder holds checkpoints of other groups
                store.parent.rmdir()


def _end_after_signal(sweep):
    """Prints how to resume the sweep and ends the process, if it has received a signal."""
    if sweep.received:
        name = sweep.received[0]
        print(f"stopped by {name}; everything is saved, the same command resumes {sweep.folder}", file=sys.stderr)
        raise SystemExit(128 + signal.Signals[name])


def train_inside_job(words, folder):
    """Trains many runs inside the running job, in compiled groups and numbered folders.

    Args:
      words: overrides with many values, as in a sweep.
      folder: the job's folder.

    Returns:
      The best score of the runs, or None.

    Raises:
      ConfigError: as in `train`, and if a configuration is invalid or a run fails.
    """
    from hydra.core.hydra_config import HydraConfig

    shared = [word for word in HydraConfig.get().overrides.task if not word.startswith("together=")]
    words, jobs = schema.validated(words, list[str], "together"), []
    if not (choices := grid([force(word) for word in words])):
        raise ConfigError("together has no runs: one of its keys has no value, such as range(0)")
    for number, chosen in enumerate(choices):
        overrides = [*shared, *chosen]
        jobs.append(prepare_job(number, compose("train", overrides), Path(folder) / str(number), overrides=overrides))
        write_config(jobs[-1], overrides)
    summaries = train(jobs, folder)
    if failed := [f"run {number}: {s['reason']}" for number, s in summaries.items() if s["status"] == "failed"]:
        raise ConfigError(failed[0])
    return min((value for summary in summaries.values() if (value := score(summary)) is not None), default=None)
