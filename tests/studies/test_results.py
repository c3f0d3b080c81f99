"""What the function of a study returns is checked before anything is written."""

import re

import pytest

from jaxrnn.errors import ConfigError
from jaxrnn.studies import Result
from jaxrnn.studies._result import check
from jaxrnn.table import Table

ROWS = [{"network": "a", "norm": 1.0}]
GOOD = Result({"a": {"norms": [1.0, 2.0], "states": {"h": [[1, 2], [3, 4]]}}}, Table(ROWS), ["a: 1"], lambda result: {})


def test_a_result_is_accepted():
    check(GOOD, "mine")


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"a": 1}, "study mine: expected a jaxrnn.studies.Result, got a dict"),
        (None, "study mine: expected a jaxrnn.studies.Result, got a NoneType"),
        (GOOD._replace(table=ROWS), "study mine: table: expected a jaxrnn.table.Table, got a list; Table(rows) makes"),
        (GOOD._replace(findings="a: 1"), "study mine: findings=a: 1: should be a valid list"),
        (GOOD._replace(networks={"a": [1.0]}), "study mine: networks={'a': [1.0]}: should be a valid dictionary"),
        (
            GOOD._replace(networks={"a": {"x": [[1, 2], [3]]}}),
            "study mine: a/x: expected an array, got a list of unequal",
        ),
        (GOOD._replace(common={"x": {1: 2}}), "study mine: x: expected an array, got a dict of unequal"),
    ],
)
def test_a_result_that_cannot_be_written_is_named(result, said):
    with pytest.raises(ConfigError, match="^" + re.escape(said)) as error:
        check(result, "mine")
    assert "\n" not in str(error.value)


def test_figures_are_named():
    with pytest.raises(ConfigError, match=r"<lambda>: expected \{title: figure\}, got a NoneType"):
        GOOD._replace(draw=lambda result: None).plot()
