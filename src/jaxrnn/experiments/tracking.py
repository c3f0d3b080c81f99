"""Experiment trackers of a run: which record it, and under which name."""

from collections.abc import Sequence
from pathlib import Path

from jaxrnn.arguments import described, validated
from jaxrnn.errors import ConfigError
from jaxrnn.experiments import comparing, saved_config, schema
from jaxrnn.storage.trackers import tracker


def writers(experiment, folder, name=None):
    """Builds the writers that hand the reports of a run to its trackers.

    Args:
      experiment: the `Experiment`.
      folder: the run folder; None for a run that is kept in memory, which no tracker records.
      name: the name of the run; None for the overrides of a sweep's run, or the name of the folder of a single run.

    Raises:
      ConfigError: if the package of a tracker is not installed.
    """
    if folder is None or not experiment.trackers:
        return []
    folder = Path(folder).absolute()
    is_numbered = folder.name.isdecimal()  # the run of a sweep
    group = "/".join(folder.parent.parts[-2:]) if is_numbered else None
    if name is None:
        name = run_name(saved_config.overrides(folder)) if is_numbered and experiment.cfg else folder.name
    values = {"batch_size": experiment.task.trainer.batch_size, "steps": experiment.task.trainer.steps}
    settings = comparing.leaves(experiment.cfg) if experiment.cfg else {"seed": experiment.seed, **values}
    return [tracker.Trackers(experiment.trackers, tracker.TrackedRun(name, group, settings, folder))]


def run_name(overrides):
    """Returns the name of a run in trackers: its overrides without those of Hydra and of the trackers."""
    words = [word.lstrip("+") for word in overrides]
    return ",".join(word for word in words if not word.startswith(("hydra", "logger")))


def configured(cfg):
    """Builds the `Tracker`s of a configuration, and imports none of their packages.

    Raises:
      ConfigError: if a factory does not return a `Tracker`, or two trackers have the same name.
    """
    nodes = (cfg.get("logger") or {}).items()
    trackers = [validated(schema.instantiate(node), tracker.Tracker, f"logger.{name}") for name, node in nodes]
    tracker.refuse_repeated(trackers)
    return trackers


def require(cfg):
    """Raises a `ConfigError` if the package of a tracker in a configuration is not installed."""
    for chosen_tracker in configured(cfg):
        tracker.require(chosen_tracker)


def chosen(logger):
    """Returns the `Tracker`s of the argument `logger` of `jaxrnn.fit`.

    Raises:
      ConfigError: if it is neither None, a name, a `Tracker`, nor a sequence of these, or two have the same name.
    """
    choices = [] if logger is None else list(logger) if _is_sequence(logger) else [logger]
    trackers = [tracker.named(choice) if isinstance(choice, str) else choice for choice in choices]
    if wrong := [choice for choice in trackers if not isinstance(choice, tracker.Tracker)]:
        raise ConfigError(f'logger: expected a name such as "tensorboard" or a Tracker, got {described(wrong[0])}')
    tracker.refuse_repeated(trackers)
    return trackers


def _is_sequence(logger):
    return isinstance(logger, Sequence) and not isinstance(logger, str | tracker.Tracker)
