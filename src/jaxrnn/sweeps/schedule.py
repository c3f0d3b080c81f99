"""Sweeps: many runs in numbered folders, trained in compiled groups; what was interrupted goes on."""

import contextlib
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from jaxrnn import atomic, runtime
from jaxrnn.errors import ConfigError, DiskError
from jaxrnn.experiments import build, config, folders, saved
from jaxrnn.experiments.conf import compose, force
from jaxrnn.experiments.hydra_internals import grid, to_yaml
from jaxrnn.sweeps import grouping, sharing
from jaxrnn.sweeps.group import train_group
from jaxrnn.sweeps.halving import Options
from jaxrnn.sweeps.progress import Progress, done, score
from jaxrnn.training import summaries
from jaxrnn.training.loop import interrupts

GROUPS = ".groups"  # where groups keep their checkpoints


class Job(NamedTuple):
    """A run of a sweep: its number, its checked configuration, its folder."""

    number: int
    cfg: Any
    folder: Path


def checked(number, cfg, folder, skipped=()):
    """A `Job`.

    Args:
      number, cfg, folder: as in `Job`; the configuration is checked.
      skipped: its keys that were checked before.

    Raises:
      ConfigError: if a factory does not know or take what the configuration says, or the folder holds a run of
        another one.
    """
    build.check(cfg, skipped)
    folders.refuse_another(folder, cfg)
    return Job(number, cfg, folder)


def train(jobs, folder, options=Options(), prepare=lambda: None):
    """Trains the jobs of a sweep in compiled groups; those that have ended stay as they are.

    Args:
      jobs: a list of `Job`s.
      folder: the sweep's folder, where the groups keep their checkpoints.
      options: `jaxrnn.sweeps.halving.Options`.
      prepare: writes what else the run folders hold; called in a thread once the first group trains, and finished
        before the first run is saved.

    Of several processes each trains a share of every group, and the first waits for the others.

    Returns:
      {number: summary} of the jobs; the status of one that could not be trained is "failed".

    Raises:
      DiskError: if something cannot be written.
      SystemExit: after a signal, once all is saved.
    """
    summaries = {job.number: content for job in jobs if (content := folders.ended(job.folder)) is not None}
    plan = grouping.plan([job.cfg for job in jobs])
    own, processes = runtime.processes()
    if processes > 1:
        print(f"process {own + 1} of {processes} trains its share of every group")
    print("\n".join(plan.lines()))
    if summaries:
        print(f"  {len(summaries)} of {len(jobs)} runs have ended already")
    progress, prepared = Progress(jobs, summaries), []
    beating = sharing.alive(folder, own) if processes > 1 else contextlib.nullcontext()
    with interrupts() as received, progress.bar, ThreadPoolExecutor(1) as beside, beating:

        def begin():  # once a group trains: until then Python has enough to do, from then on it waits
            if not prepared:
                prepared.append(beside.submit(prepare))
            return prepared[0]

        for number, group in enumerate(plan.groups, 1):
            members = [m for m in group.members[own::processes] if jobs[m].number not in summaries]
            if members:
                began = time.perf_counter()
                summaries |= _train_group(group, jobs, members, folder, options, received, progress, begin)
                took = time.perf_counter() - began
                progress.say(f"group {number} of {len(plan.groups)}: {len(members)} trained in {took:.1f} s")
        begin().result()
        if own == 0 and processes > 1:
            summaries |= sharing.wait(jobs, done, folder, _shares(plan, jobs, processes))
    return summaries


def _train_group(group, jobs, members, folder, options, received, progress, begin):
    """Trains some members of a group; {number: summary}. After a signal it ends the process, once all is saved."""
    alone, summaries = len(group.members) == 1, {}

    def configured():
        begin().result()

    def watch(updates, histories):
        begin()
        progress.report(updates, histories)

    for member, content in _trained(group, jobs, members, folder, options, received, watch, configured):
        summaries[jobs[member].number] = content
        progress.ended(jobs[member], content, alone)
    if received:
        raise SystemExit(_left(folder, received[0]))
    return summaries


def _shares(plan, jobs, processes):
    """{a job's number: the number of the process that trains it}."""
    return {
        jobs[member].number: place % processes for group in plan.groups for place, member in enumerate(group.members)
    }


def _trained(group, jobs, members, folder, options, received, watch, configured):
    """Trains some members of a group and yields (member, summary)."""
    if len(group.members) == 1:  # alone its rows are shared out over the devices
        configured()
        job = jobs[members[0]]
        try:
            folders.train_one_of_many(job.cfg, job.folder)
        except DiskError:
            raise
        except ConfigError:  # its summary says so
            pass
        content = summaries.read(job.folder)
        if content["status"] == "stopped":
            received.append(content["reason"])
        yield members[0], content
        return
    store = Path(folder) / GROUPS / f"{jobs[group.members[0]].number}_{runtime.processes()[0]}"
    try:
        yield from train_group(
            group,
            {member: jobs[member].cfg for member in members},
            {member: jobs[member].folder for member in members},
            store,
            options,
            received,
            watch,
            configured,
        )
    except ConfigError as error:
        for member in members:
            if folders.ended(jobs[member].folder) is None:
                folders.fail(jobs[member].folder, str(error))
                yield member, summaries.read(jobs[member].folder)
    except OSError as error:
        raise DiskError(atomic.refusal(error, "give the same command again")) from error
    else:
        if not received:
            shutil.rmtree(store, ignore_errors=True)
            with contextlib.suppress(OSError):  # other groups' checkpoints are there
                store.parent.rmdir()


def _left(folder, signal_name):
    print(f"stopped by {signal_name}; all is saved, the same command goes on with {folder}", file=sys.stderr)
    return 128 + signal.Signals[signal_name]


def train_inside_job(words, folder):
    """Trains many values inside the running job, in compiled groups and numbered folders of their own.

    Args:
      words: overrides that name many values, as in a sweep.
      folder: the job's folder.

    Returns:
      The best score of the runs, or None.

    Raises:
      ConfigError: as `train`, and if a configuration or a run cannot be used.
    """
    from hydra.core.hydra_config import HydraConfig

    given = [word for word in HydraConfig.get().overrides.task if not word.startswith("together=")]
    words, jobs = config.validated(words, list[str], "together"), []
    if not (choices := grid([force(word) for word in words])):
        raise ConfigError("together has no runs: one of its keys names no value, such as range(0)")
    for number, chosen in enumerate(choices):
        overrides = [*given, *chosen]
        jobs.append(checked(number, compose("train", overrides), Path(folder) / str(number)))
        write_config(jobs[-1], overrides)
    summaries = train(jobs, folder)
    if failed := [f"run {number}: {s['reason']}" for number, s in summaries.items() if s["status"] == "failed"]:
        raise ConfigError(failed[0])
    return min((value for summary in summaries.values() if (value := score(summary)) is not None), default=None)


def write_config(job, overrides):
    """Writes the configuration of a job that no launcher of Hydra's makes, where such a launcher would."""
    file = saved.file(job.folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(file, to_yaml(job.cfg))
    atomic.write(file.with_name("overrides.yaml"), to_yaml(OmegaConf.create(list(overrides))))
