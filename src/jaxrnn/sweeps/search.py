"""Adaptive search with Optuna: asks for a batch of trials, trains them in compiled groups, and tells the results."""

import os
import shlex
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, IntervalSweep

from jaxrnn import hints, stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments import schema
from jaxrnn.experiments.compose import CONF, compose, force
from jaxrnn.metrics import cost
from jaxrnn.sweeps import progress, reading, report, schedule, search_metric, search_space
from jaxrnn.sweeps.job import prepare_job, write_config
from jaxrnn.types import Size

try:
    import optuna.storages.journal
    from optuna.trial import TrialState

    from jaxrnn.sweeps import search_figures
except ImportError as error:
    raise ConfigError("a search requires Optuna: pip install -e '.[tune]'") from error

LOSS = "validation.loss"
OVERRIDES = "overrides"  # attribute of a trial with its overrides
JOURNAL = "study.journal"  # Optuna's storage, in the folder of the search


class Options(NamedTuple):
    """Options of a search.

    Fields:
      trials: total number of trials, with the trials of earlier processes.
      batch: number of trials that are asked for and trained together.
      seeds: runs per trial, with the seeds seed, seed + 1, ...; the value of a trial is their mean.
      sampler: tpe (Bergstra et al. 2011) or random.
      metric: "SPLIT.NAME", the metric that compares trials; it defines which way is better.
    """

    trials: Size = 64
    batch: Size = 16
    seeds: Size = 1
    sampler: Literal["tpe", "random"] = "tpe"
    metric: str = LOSS


def run(cfg, hydra, space):
    """Runs the command `tune`: a search; returns text for the terminal.

    Args:
      cfg: the configuration.
      hydra: the node hydra.
      space: overrides with many values, as `split` returns them.
    """
    schema.prepare(cfg)
    for word in space:
        if force(word).startswith("++tune."):
            raise ConfigError(f"{word}: a search takes only one value of this option")
    shared = [word for word in hydra.overrides.task if not force(word).startswith("++tune.")]
    folder, options = hydra.runtime.output_dir, schema.instantiate(cfg.tune)
    study = search(lambda words: compose("train", words), shared, space, options, folder, cfg.seed)
    search_figures.draw(study, folder)
    report.write(report.read(folder, options.metric))
    description, overrides = best(study)
    command = hints.command("train", [*(word.removeprefix("++") for word in shared), *overrides])
    return f"{description}\n{command}\nfigures in {folder}/figures, page: {folder}/report/report.html"


def split(arguments):
    """Splits the arguments of a command: (arguments with one value, arguments with many values).

    Many values are written as in a sweep of Hydra, or as intervals:

        a=1,2  a=choice(1,2)  a=range(8)
        a=interval(0.1,0.9)  a=tag(log,interval(1e-4,1e-1))  a=int(interval(8,64))

    Raises:
      ConfigError: if a pattern, glob(...), matches no choice of a group.
    """
    parser, fixed, space = OverridesParser.create(), [], []
    for argument in arguments:
        if argument.startswith("-") or "=" not in argument:
            fixed.append(argument)
            continue
        override = parser.parse_override(argument)
        if isinstance(override.value(), Glob):
            argument = f"{override.key_or_group}={','.join(_matching(override))}"
        (space if parser.parse_override(argument).is_sweep_override() else fixed).append(argument)
    return fixed, space


def _matching(override):
    """Returns the choices of a group that match a pattern."""
    group, word = override.key_or_group, override.input_line
    options = sorted(file.stem for file in (CONF / group).glob("*.yaml"))
    if not options:
        raise ConfigError(f"{word}: glob() works on the choices of a group, but {group} is not a group")
    if not (names := override.value().filter(options)):
        raise ConfigError(f"{word}: no {group} matches; there are: {', '.join(options)}")
    return names


def search(compose, shared_overrides, space, options, folder, seed=0):
    """Searches for the values with the best metric; resumes an interrupted search.

    Args:
      compose: overrides -> the configuration of a run.
      shared_overrides: overrides that all trials share.
      space: overrides with many values, as `split` returns them.
      options: `Options`.
      folder: folder of the search, which the caller has locked; the runs of a trial are in `folder/TRIAL/SEED`.
      seed: seed of the sampler, and of the first run of every trial.

    Returns:
      The study, an `optuna.Study`.

    Raises:
      ConfigError: if there is nothing to search for, a configuration cannot be used, or the folder holds another
        search.
    """
    if not space:
        raise ConfigError(
            "nothing to search for: give a key many values, such as 'optimizer.learning_rate=interval(1e-4,1e-1)'"
        )
    for word in space:
        override = OverridesParser.create().parse_override(word)
        if not isinstance(override.value(), IntervalSweep) and not list(override.sweep_string_iterator()):
            raise ConfigError(f"{word}: it has no values")
    Path(folder).mkdir(parents=True, exist_ok=True)
    overrides = [OverridesParser.create().parse_override(text) for text in space]
    better = "down"
    if options.metric != LOSS:
        better = search_metric.better_of(options.metric, compose, [*shared_overrides, f"seed={seed}"], overrides)
    study = _study(Path(folder), [*shared_overrides, *space], options, seed, better)
    while True:
        trials = _interrupted_trials(study, overrides, folder)
        count = sum(OVERRIDES in trial.user_attrs for trial in study.get_trials(deepcopy=False))
        for _ in range(min(options.batch - len(trials), options.trials - count)):
            trials.append(_ask(study, overrides))
        if not trials:
            return study
        _train(study, trials, compose, shared_overrides, options, Path(folder), seed, better)


def _interrupted_trials(study, overrides, folder):
    """Returns the trials that an interrupted process has not trained; marks those without values as failed.

    Raises:
      ConfigError: if a trial sets anything else than values of the search: the journal may come from a stranger.
    """
    interrupted = []
    for trial in study.get_trials():
        words = trial.user_attrs.get(OVERRIDES)
        if words is not None and not search_space.are_of(overrides, words):
            shown = " ".join(str(words).split())[:80]
            lines = ", ".join(override.input_line for override in overrides)
            raise ConfigError(
                f"{Path(folder) / JOURNAL}: trial {trial.number} sets {shown}, but this search is over {lines}; choose "
                "another hydra.run.dir"
            )
        if trial.state is TrialState.RUNNING and words is None:
            study.tell(trial.number, state=TrialState.FAIL)
        elif trial.state is TrialState.RUNNING:
            interrupted.append(trial)
    return interrupted


def _study(folder, command, options, seed, better):
    """Opens the study of a folder, or creates it.

    Raises:
      ConfigError: if its journal is damaged, or of another search.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    samplers = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}
    try:
        study = _open(folder / JOURNAL, "maximize" if better == "up" else "minimize")
        count = len(study.get_trials(deepcopy=False))
        saved_command = stored_files.check(study.user_attrs.get("command", command), list[str], "its command")
        values = [trial.values or [] for trial in study.get_trials(deepcopy=False)]
        stored_files.check(values, list[list[float]], "the value of a trial")
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, DamagedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedError(f"{folder / JOURNAL} is damaged ({reason}); choose another hydra.run.dir") from error
    # The number of trials is part of the seed: a resumed search must not draw its first values again.
    study.sampler = samplers[options.sampler](seed=int(np.random.SeedSequence([seed, count]).generate_state(1)[0]))
    if saved_command != command:
        raise ConfigError(f"{folder} holds another search, {shlex.join(saved_command)}; choose another hydra.run.dir")
    study.set_user_attr("command", command)
    return study


def _open(path, direction):
    """Opens the study in a journal. An incomplete last line is removed, because Optuna would append to it."""
    if path.exists() and not (data := stored_files.read_bytes(path)).endswith(b"\n"):
        os.truncate(path, data.rfind(b"\n") + 1)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    return optuna.create_study(study_name="search", storage=storage, direction=direction, load_if_exists=True)


def _ask(study, overrides):
    trial = study.ask()
    chosen = [f"{override.key_or_group}={search_space.suggest(trial, override)}" for override in overrides]
    trial.set_user_attr(OVERRIDES, [force(text) for text in chosen])
    return study.trials[trial.number]


def _train(study, trials, compose, shared_overrides, options, folder, seed, better):
    """Trains the runs of some trials and tells the study their values."""
    jobs, jobs_of_trials = [], {}
    for trial in trials:
        for run in range(options.seeds):
            words = [*shared_overrides, *trial.user_attrs[OVERRIDES], f"seed={seed + run}"]
            jobs.append(prepare_job(len(jobs), compose(words), folder / str(trial.number) / str(run), overrides=words))
            write_config(jobs[-1], words)
            jobs_of_trials.setdefault(trial.number, []).append(jobs[-1].number)
    summaries = schedule.train(jobs, folder)
    for number, job_numbers in jobs_of_trials.items():
        contents = [summaries[job_number] for job_number in job_numbers]
        if any(content["status"] == "failed" for content in contents):
            study.tell(number, state=TrialState.FAIL)
        else:
            study.tell(number, float(np.mean([_value(content, options.metric, better) for content in contents])))


def _value(content, metric, better):
    """Returns the value of a run for the study: its metric, or the distance of the metric from its target number.

    A run that diverged or has no finite metric gets the worst value, infinity or minus infinity.
    """
    value = progress.score(content) if metric == LOSS else reading.value(content, metric)
    if content["status"] == "diverged" or value is None or not np.isfinite(value):
        return -np.inf if better == "up" else np.inf
    return value if isinstance(better, str) else cost(better, value)


def best(study):
    """Describes the best trial; returns the description and the trial's overrides."""
    if not any(trial.value is not None and np.isfinite(trial.value) for trial in study.trials):
        return "no trial has a value", []
    trial = study.best_trial
    overrides = [text.removeprefix("++") for text in trial.user_attrs[OVERRIDES]]
    return f"best of {len(study.trials)} trials: #{trial.number}, {trial.value:.4g}", overrides
