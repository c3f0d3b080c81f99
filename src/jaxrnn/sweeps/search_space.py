"""The space of a search: overrides that name many values, one of which each trial sets."""

import re

from hydra.core.override_parser.types import IntervalSweep, RangeSweep

from jaxrnn.experiments.conf import force


def suggest(trial, override):
    """The value that an Optuna trial suggests for an override that names many."""
    name, value = override.key_or_group, override.value()
    if isinstance(value, IntervalSweep):
        sample = trial.suggest_int if _is_whole(value) else trial.suggest_float
        return sample(name, value.start, value.end, log="log" in value.tags)
    return trial.suggest_categorical(name, _choices(override))


def trial_values(override):
    """The values of an override that names many, of numbers the ends, as text."""
    value = override.value()
    if isinstance(value, IntervalSweep):
        return [str(value.start), str(value.end)]
    choices = list(override.sweep_string_iterator())
    return list(dict.fromkeys((choices[0], choices[-1]))) if isinstance(value, RangeSweep) else choices


def are_of(overrides, words):
    """Whether the overrides of a trial, which were read from a file, set each key to one of its values.

    Args:
      overrides: parsed overrides that name many values each.
      words: what the file holds for the trial.
    """
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return False
    return len(words) == len(overrides) and all(map(_is_of, overrides, words))


def _is_of(override, word):
    value = override.value()
    if not isinstance(value, IntervalSweep):
        return word in {force(f"{override.key_or_group}={choice}") for choice in _choices(override)}
    prefix = force(f"{override.key_or_group}=")
    pattern = r"-?\d+" if _is_whole(value) else r"-?\d[\d.]*(e[+-]?\d+)?"
    number = re.fullmatch(pattern, word.removeprefix(prefix))
    return word.startswith(prefix) and number is not None and value.start <= float(number[0]) <= value.end


def _choices(override):
    """The values of a key that is searched over some values, not over an interval."""
    value = override.value()
    return list(value.range() if isinstance(value, RangeSweep) else override.sweep_string_iterator())


def _is_whole(interval):
    return isinstance(interval.start, int) and isinstance(interval.end, int)
