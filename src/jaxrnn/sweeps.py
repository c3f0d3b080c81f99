"""Sweeps: many runs in numbered folders, trained in compiled groups; what was interrupted goes on."""

import contextlib
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from jaxrnn import config, devices, logging, runs, together, variation
from jaxrnn.config import Refusal
from jaxrnn.fitting import interrupts

GROUPS = ".groups"  # where groups keep their checkpoints


class Job(NamedTuple):
    """A run of a sweep: its number, its checked configuration, its folder."""

    number: int
    cfg: Any
    folder: Path


def checked(number, cfg, folder):
    """A `Job`.

    Raises:
      Refusal: if a factory does not know or take what the configuration says, or the folder holds a run of another one.
    """
    config.check(cfg)
    runs.refuse_another(folder, cfg)
    return Job(number, cfg, folder)


def train(jobs, folder, options=together.Options(), prepare=lambda: None):
    """Trains the jobs of a sweep in compiled groups; those that have ended stay as they are.

    Args:
      jobs: a list of `Job`s.
      folder: the sweep's folder, where the groups keep their checkpoints.
      options: `jaxrnn.together.Options`.
      prepare: writes what else the run folders hold; called in a thread once the first group trains.

    Of several processes each trains a share of every group, and the first waits for the others.

    Returns:
      {number: summary} of the jobs; the status of one that could not be trained is "failed".

    Raises:
      Refusal: if something cannot be written.
      SystemExit: after a signal, once all is saved.
    """
    summaries = {job.number: content for job in jobs if (content := _ended(job.folder)) is not None}
    plan = variation.plan([job.cfg for job in jobs])
    own, processes = devices.processes()
    if processes > 1:
        print(f"process {own + 1} of {processes} trains its share of every group")
    print("\n".join(plan.lines()))
    if summaries:
        print(f"  {len(summaries)} of {len(jobs)} runs have ended already")
    progress, prepared = _Progress(jobs, summaries), []
    with interrupts() as received, progress.bar, ThreadPoolExecutor(1) as beside:

        def begin():
            if not prepared:
                prepared.append(beside.submit(prepare))

        def report(updates, courses):
            begin()  # until a group trains Python has enough to do, from then on it waits
            progress.report(updates, courses)

        for number, group in enumerate(plan.groups, 1):
            share = group.members[own::processes]
            members = [member for member in share if jobs[member].number not in summaries]
            if not members:
                continue
            if len(group.members) == 1:
                begin()
            began = time.perf_counter()
            for member, content in _trained(group, jobs, members, folder, options, received, report):
                summaries[jobs[member].number] = content
                progress.ended(jobs[member], content)
                if len(group.members) == 1:
                    progress.bar.update(content["steps"])
            if received:
                raise SystemExit(_left(folder, received[0]))
            progress.say(
                f"group {number} of {len(plan.groups)}: {len(members)} trained in {time.perf_counter() - began:.1f} s"
            )
        begin()
        prepared[0].result()
        while own == 0 and (others := [job for job in jobs if job.number not in summaries]):
            time.sleep(0.2)
            summaries |= {job.number: content for job in others if (content := _done(job.folder)) is not None}
    return summaries


def _trained(group, jobs, members, folder, options, received, report):
    """Trains some members of a group and yields (member, summary)."""
    if len(group.members) == 1:  # alone its rows are shared out over the devices
        job = jobs[members[0]]
        with contextlib.suppress(Refusal):  # its summary says so
            runs.train_one_of_many(job.cfg, job.folder)
        content = logging.read_summary(job.folder)
        if content["status"] == "stopped":
            received.append(content["reason"])
        yield members[0], content
        return
    store = Path(folder) / GROUPS / f"{jobs[group.members[0]].number}_{devices.processes()[0]}"
    try:
        yield from together.train(
            group,
            {member: jobs[member].cfg for member in members},
            {member: jobs[member].folder for member in members},
            store,
            options,
            received,
            report,
        )
    except Refusal as error:
        for member in members:
            if _ended(jobs[member].folder) is None:
                runs.fail(jobs[member].folder, str(error))
                yield member, logging.read_summary(jobs[member].folder)
    except OSError as error:
        raise Refusal(f"{error}; what was saved stays: make room and give the same command again") from error
    else:
        if not received:
            shutil.rmtree(store, ignore_errors=True)
            with contextlib.suppress(OSError):  # other groups' checkpoints are there
                store.parent.rmdir()


def _ended(folder):
    content = logging.read_summary(folder)
    return content if content is not None and content["status"] in runs.ENDED else None


def how_far(folder, jobs, began):
    """Runs done, the best so far and the time left of a sweep whose runs are trained one by one, as text.

    Args:
      folder: the sweep's folder, with a numbered folder a run.
      jobs: how many runs there will be.
      began: when this process began, in seconds since 1970.
    """
    files = [file for file in Path(folder).glob(f"*/{logging.SUMMARY}") if file.parent.name.isdigit()]
    done = {file: content for file in files if (content := _done(file.parent)) is not None}
    new = sum(file.stat().st_mtime >= began for file in done)
    left = (time.time() - began) / max(new, 1) * (jobs - len(done))
    losses = [(loss, file.parent.name) for file, content in done.items() if (loss := score(content)) is not None]
    text = _so_far(len(done), jobs, min(losses, default=None))
    return text + (f"; about {left / 60:.0f} min left" if left >= 90 else f"; about {left:.0f} s left") * (left > 0)


def _so_far(done, jobs, best):
    """Progress as text; best is (loss, number) or None."""
    return f"{done} of {jobs} runs done" + (f"; best so far {best[0]:.4g} (#{best[1]})" if best else "")


def _done(folder):
    """The summary of a run that another process has left, or None."""
    content = logging.read_summary(folder)
    return content if content is not None and content["status"] in (*runs.ENDED, "failed") else None


def _left(folder, signal_name):
    print(f"stopped by {signal_name}; all is saved, the same command goes on with {folder}", file=sys.stderr)
    return 128 + signal.Signals[signal_name]


def train_together(given, words, compose, folder):
    """Trains many values inside one job, in compiled groups and numbered folders of their own.

    Args:
      given: the overrides of the job.
      words: overrides that name many values, as in a sweep.
      compose: overrides -> the configuration of a run.
      folder: the job's folder.

    Returns:
      {number: summary}, as `train`.

    Raises:
      Refusal: as `train`, and if a configuration cannot be used.
    """
    parsed = OverridesParser.create().parse_overrides([config.force(word) for word in words])
    jobs = []
    for number, chosen in enumerate(BasicSweeper.split_arguments(parsed, None)[0]):
        overrides = [*given, *chosen]
        jobs.append(checked(number, compose(overrides), Path(folder) / str(number)))
        write_config(jobs[-1], overrides)
    return train(jobs, folder)


def write_config(job, overrides):
    """Writes the configuration of a job that no launcher of Hydra's makes, where such a launcher would."""
    folder = job.folder / ".hydra"
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(job.cfg, folder / "config.yaml")
    OmegaConf.save(OmegaConf.create(list(overrides)), folder / "overrides.yaml")


def score(content):
    """What runs of a sweep are compared by: the validation loss of the best params, the training loss without one; None
    if the run has neither, or diverged."""
    if content["status"] == "diverged":
        return None
    for split in ("validation", "train"):
        if (values := content["metrics"].get(split)) and values.get("loss") is not None:
            return values["loss"]
    return None


class _Progress:
    """Runs done, the best so far, and the time left, over all groups."""

    def __init__(self, jobs, summaries):
        self._jobs, self._done, self._best = len(jobs), 0, None
        left = [job for job in jobs if job.number not in summaries]
        self.bar = logging.progress_bar(sum(int(job.cfg.trainer.steps) for job in left), 0)
        for job in jobs:
            if job.number in summaries:
                self.ended(job, summaries[job.number])

    def report(self, updates, courses):
        self.bar.update(updates * len(courses))
        losses = [loss for course in courses.values() if (loss := course.last_loss()) is not None]
        text = f"{self._done} of {self._jobs} runs done" + (f", now {min(losses):.3g}" if losses else "")
        self.bar.set_postfix_str(text + (f", best {self._best[0]:.3g}" if self._best else ""), refresh=False)

    def ended(self, job, content):
        self._done += 1
        loss = score(content)
        if loss is not None and (self._best is None or loss < self._best[0]):
            self._best = (loss, job.number)

    def say(self, text):
        self.bar.write(f"{text}; {_so_far(self._done, self._jobs, self._best)}")
