"""Space of a search: overrides with many values, one of which each trial sets."""

import re
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, RangeSweep

from jaxrnn.experiments.compose import force


def suggest(trial, override):
    """Returns the value that an Optuna trial suggests for an override with many values."""
    name, value = override.key_or_group, override.value()
    if isinstance(value, IntervalSweep):
        sample = trial.suggest_int if _is_of_integers(value) else trial.suggest_float
        return sample(name, value.start, value.end, log="log" in value.tags)
    return trial.suggest_categorical(name, _choices(override))


def trial_values(override):
    """Returns the values of an override as text; for intervals and ranges only the two ends."""
    value = override.value()
    if isinstance(value, IntervalSweep):
        return [str(value.start), str(value.end)]
    choices = list(override.sweep_string_iterator())
    return list(dict.fromkeys((choices[0], choices[-1]))) if isinstance(value, RangeSweep) else choices


def are_of(overrides, words):
    """Returns whether the overrides of a trial from a file set each key to one of the values that are searched.

    Args:
      overrides: parsed overrides with many values each.
      words: the trial's overrides in the file, which may hold anything.
    """
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return False
    return len(words) == len(overrides) and all(map(_is_of, overrides, words))


def _is_of(override, word):
    value = override.value()
    if not isinstance(value, IntervalSweep):
        return word in {force(f"{override.key_or_group}={choice}") for choice in _choices(override)}
    prefix = force(f"{override.key_or_group}=")
    limits: Any = (value.start, value.end)
    pattern = r"-?\d+" if _is_of_integers(value) else r"-?\d[\d.]*(e[+-]?\d+)?"
    number = re.fullmatch(pattern, word.removeprefix(prefix))
    return word.startswith(prefix) and number is not None and limits[0] <= float(number[0]) <= limits[1]


def _choices(override):
    """Returns the values of an override that lists choices or a range, not an interval."""
    value = override.value()
    return list(value.range() if isinstance(value, RangeSweep) else override.sweep_string_iterator())


def _is_of_integers(interval):
    return isinstance(interval.start, int) and isinstance(interval.end, int)
