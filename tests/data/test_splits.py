"""Shares of validation and test that leave nothing for training, over all data sets that take both as shares."""

import importlib
import inspect
import typing

import numpy as np
import pytest

import jaxrnn.data
from jaxrnn.data._splits import split_groups
from jaxrnn.lazy import entries
from jaxrnn.types import Rate


def _takes_shares(name):
    function = importlib.import_module(f"jaxrnn.data.{name}").dataset
    hints = typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    return all(Rate in (hints.get(part), *typing.get_args(hints.get(part))) for part in ("validation", "test"))


NAMES = [name for name in entries(jaxrnn.data.__path__[0], "dataset") if _takes_shares(name)]


def _source(name, folder):
    """Returns the positional arguments of a small data set."""
    values = np.arange(60.0) % 7
    if name == "arrays":
        return [np.random.default_rng(0).normal(size=(20, 3, 1)), np.arange(20.0)]
    lines = {
        "csv": ["a", *map(str, values)],
        "labelled_series": [f"{row % 2}\t{row}.0\t{row + 1}.0" for row in range(20)],
        "text": ["some words of a text"] * 200,
    }
    if name in ("csv", "labelled_series", "text"):
        path = folder / ("a.csv" if name == "csv" else "a.tsv" if name == "labelled_series" else "a.txt")
        path.write_text("\n".join(lines[name]) + "\n")
        return [path, "a"] if name == "csv" else [path]
    return [] if name in ("sunspots", "forecast") else [values]


@pytest.mark.parametrize("name", NAMES)
def test_shares_that_leave_nothing_for_training_are_one_clear_line(name, tmp_path):
    with pytest.raises(ValueError, match=r"validation|test") as error:
        importlib.import_module(f"jaxrnn.data.{name}").dataset(*_source(name, tmp_path), validation=0.5, test=0.5)
    assert "\n" not in str(error.value)


def test_shares_below_one_that_round_up_to_everything_are_refused():
    with pytest.raises(ValueError, match="leave none of 3 different sequences for training"):
        split_groups("abc", validation=0.45, test=0.5)
