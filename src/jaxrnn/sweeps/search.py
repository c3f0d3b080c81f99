"""Adaptive search with Optuna: a batch of trials is asked for, trained as compiled groups, and told."""

import os
import shlex
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep

from jaxrnn import stored_files
from jaxrnn.errors import ConfigError, DamagedError
from jaxrnn.experiments import config
from jaxrnn.experiments.build import check
from jaxrnn.experiments.conf import compose, force
from jaxrnn.metrics import cost
from jaxrnn.sweeps import progress, reading, report, schedule, search_metric, search_space
from jaxrnn.types import Size

try:
    import optuna
    from optuna.trial import TrialState

    from jaxrnn.sweeps import search_figures
except ImportError as error:
    raise ConfigError("a search needs Optuna: pip install -e '.[tune]'") from error

LOSS = "validation.loss"
OVERRIDES = "overrides"  # of a trial
JOURNAL = "study.journal"  # Optuna's storage, in the folder of the search


class Options(NamedTuple):
    """How values are searched for.

    Fields:
      trials: all together, those of earlier processes included.
      batch: trials that are asked for at a time, and trained together.
      seeds: runs a trial, with the seeds seed, seed + 1, ...; a trial's value is their mean.
      sampler: tpe (Bergstra et al. 2011) or random.
      metric: what trials are compared by, "SPLIT.NAME"; the metric says which way is better.
    """

    trials: Size = 64
    batch: Size = 16
    seeds: Size = 1
    sampler: Literal["tpe", "random"] = "tpe"
    metric: str = LOSS


def run(cfg, hydra, space):
    """What `scripts/tune.py` does; returns text for the terminal.

    Args:
      cfg: the configuration.
      hydra: the node hydra.
      space: overrides that name many values, as `split` gives them.
    """
    check(cfg)
    for word in space:
        if force(word).startswith("++tune."):
            raise ConfigError(f"{word}: a search has one value of it")
    given = [word for word in hydra.overrides.task if not force(word).startswith("++tune.")]
    folder, options = hydra.runtime.output_dir, config.build(cfg.tune)
    study = search(lambda words: compose("train", words), given, space, options, folder, cfg.seed)
    search_figures.draw(study, folder)
    report.write(report.read(folder, options.metric))
    words, overrides = best(study)
    command = shlex.join(["python", "scripts/train.py", *(word.removeprefix("++") for word in given), *overrides])
    return f"{words}\n{command}\nfigures in {folder}/figures, page: {folder}/report/report.html"


def split(arguments):
    """The arguments of a command without those that name many values, and those: (arguments, space).

    Many values are what a sweep of Hydra's takes, and intervals: a=1,2  a=choice(1,2)  a=range(8)
    a=interval(0.1,0.9)  a=tag(log,interval(1e-4,1e-1))  a=int(interval(8,64)).
    """
    parser, plain, space = OverridesParser.create(), [], []
    for argument in arguments:
        if argument.startswith("-") or "=" not in argument:
            plain.append(argument)
            continue
        (space if parser.parse_override(argument).is_sweep_override() else plain).append(argument)
    return plain, space


def search(compose, given, space, options, folder, seed=0):
    """Searches for the values with the lowest validation loss; goes on with a search that was interrupted.

    Args:
      compose: overrides -> the configuration of a run.
      given: overrides that all trials share.
      space: overrides that name many values, as `split` gives them.
      options: `Options`.
      folder: of the search, whose lock the caller holds; a trial's runs are in `folder/TRIAL/SEED`.
      seed: of the sampler, and of the first run of every trial.

    Returns:
      The study, an `optuna.Study`.

    Raises:
      ConfigError: if there is nothing to search for, a configuration cannot be used, or the folder holds another
        search.
    """
    if not space:
        raise ConfigError(
            "nothing to search for; give many values, such as 'optimizer.learning_rate=interval(1e-4,1e-1)'"
        )
    for word in space:
        override = OverridesParser.create().parse_override(word)
        if not isinstance(override.value(), IntervalSweep) and not list(override.sweep_string_iterator()):
            raise ConfigError(f"{word}: it names no value")
    Path(folder).mkdir(parents=True, exist_ok=True)
    overrides = [OverridesParser.create().parse_override(text) for text in space]
    way = "down"
    if options.metric != LOSS:
        way = search_metric.better_of(options.metric, compose, [*given, f"seed={seed}"], overrides)
    study = _study(Path(folder), [*given, *space], options, seed, way)
    while True:
        asked = _whole(study, overrides, folder)
        known = sum(OVERRIDES in trial.user_attrs for trial in study.get_trials(deepcopy=False))
        for _ in range(min(options.batch - len(asked), options.trials - known)):
            asked.append(_ask(study, overrides))
        if not asked:
            return study
        _train(study, asked, compose, given, options, Path(folder), seed, way)


def _whole(study, overrides, folder):
    """The trials of a process that was interrupted which are to be trained; one without values is given up.

    Raises:
      ConfigError: if a trial would set anything but values that are searched for: its journal may be a stranger's.
    """
    asked = []
    for trial in study.get_trials():
        words = trial.user_attrs.get(OVERRIDES)
        if words is not None and not search_space.are_of(overrides, words):
            shown = " ".join(str(words).split())[:80]
            lines = ", ".join(override.input_line for override in overrides)
            raise ConfigError(
                f"{Path(folder) / JOURNAL}: trial {trial.number} sets {shown}, but {lines} is searched for; choose "
                "another hydra.run.dir"
            )
        if trial.state is TrialState.RUNNING and words is None:
            study.tell(trial.number, state=TrialState.FAIL)
        elif trial.state is TrialState.RUNNING:
            asked.append(trial)
    return asked


def _study(folder, command, options, seed, way):
    """The study of a folder, which may be new.

    Raises:
      ConfigError: if its journal is damaged, or of another search.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    samplers = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}
    try:
        study = _opened(folder / JOURNAL, "maximize" if way == "up" else "minimize")
        known = len(study.get_trials(deepcopy=False))  # a search that goes on draws other values than it began with
        earlier = stored_files.check(study.user_attrs.get("command", command), list[str], "its command")
        values = [trial.values or [] for trial in study.get_trials(deepcopy=False)]
        stored_files.check(values, list[list[float]], "the value of a trial")
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, DamagedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedError(f"{folder / JOURNAL} is damaged ({reason}); choose another hydra.run.dir") from error
    study.sampler = samplers[options.sampler](seed=int(np.random.SeedSequence([seed, known]).generate_state(1)[0]))
    if earlier != command:
        raise ConfigError(f"{folder} holds another search, {shlex.join(earlier)}; choose another hydra.run.dir")
    study.set_user_attr("command", command)
    return study


def _opened(path, direction):
    """The study in a journal; Optuna would append to a last line that was cut off, so it is removed."""
    if path.exists() and not (data := stored_files.read_bytes(path)).endswith(b"\n"):
        os.truncate(path, data.rfind(b"\n") + 1)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    return optuna.create_study(study_name="search", storage=storage, direction=direction, load_if_exists=True)


def _ask(study, overrides):
    trial = study.ask()
    chosen = [f"{override.key_or_group}={search_space.suggest(trial, override)}" for override in overrides]
    trial.set_user_attr(OVERRIDES, [force(text) for text in chosen])
    return study.trials[trial.number]


def _train(study, trials, compose, given, options, folder, seed, way):
    """Trains the runs of some trials and tells the study what came of them."""
    jobs, places = [], {}
    for trial in trials:
        for run in range(options.seeds):
            words = [*given, *trial.user_attrs[OVERRIDES], f"seed={seed + run}"]
            jobs.append(schedule.checked(len(jobs), compose(words), folder / str(trial.number) / str(run)))
            schedule.write_config(jobs[-1], words)
            places.setdefault(trial.number, []).append(jobs[-1].number)
    summaries = schedule.train(jobs, folder)
    for number, members in places.items():
        contents = [summaries[member] for member in members]
        if any(content["status"] == "failed" for content in contents):
            study.tell(number, state=TrialState.FAIL)
        else:
            study.tell(number, float(np.mean([_value(content, options.metric, way) for content in contents])))


def _value(content, metric, way):
    """What the study is told of a run: the metric, or how far it is from where it should be; the worst there is where
    it diverged."""
    worst = -np.inf if way == "up" else np.inf
    if content["status"] == "diverged":
        return worst
    value = progress.score(content) if metric == LOSS else reading.value(content, metric)
    return worst if value is None else value if isinstance(way, str) else cost(way, value)


def best(study):
    """The best trial in words, and its overrides."""
    try:
        trial = study.best_trial
    except ValueError:
        return "no trial has a value", []
    overrides = [text.removeprefix("++") for text in trial.user_attrs[OVERRIDES]]
    return f"best of {len(study.trials)} trials: #{trial.number}, {trial.value:.4g}", overrides
