"""The types in `--help` and on the configuration pages are plain words, also those of aliases in other files."""

import ast
import re

import pytest
import yaml

from jaxrnn.experiments import help as explained
from jaxrnn.experiments.compose import CONF
from jaxrnn.experiments.type_words import in_words

PLAIN = re.compile(r"(?!.*\b(?:Any|None|str|int|float|Literal|Annotated|Optional)\b)[\w ,:|.%-]*")
FILE = """
from typing import Annotated, Literal
from annotated_types import Gt, Interval
from jaxrnn.data._gaps import Missing
from jaxrnn.distribution import Distribution
from jaxrnn.types import Rate, Size
KINDS = ("a", "b")
TABLE = {"c": 1, "d": 2}
Period = Literal["year", "week"]
"""


@pytest.fixture
def words(tmp_path):
    """(annotation) -> its words, where it stands in a file with the aliases above."""
    (tmp_path / "mine.py").write_text(FILE)
    return lambda source: in_words(ast.parse(source, mode="eval").body, tmp_path / "mine.py")


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("Size | None", "integer above 0, null"),
        ("Rate", "number from 0, below 1"),
        ("Annotated[float, Interval(ge=0, le=1)]", "number from 0 to 1"),
        ("Annotated[float, Interval(gt=0, le=1)]", "number above 0, at most 1"),
        ("Annotated[int, Interval(ge=0, lt=2**31)]", "integer, 0 or more"),
        ("Annotated[float, Gt(2)]", "number above 2"),
        ("Annotated[int, at.Ge(1)]", "integer, 1 or more"),
        ("Annotated[str, 'a path']", "text"),
        ("Annotated[str, notes.Doc('a path')]", "text"),
        ("Annotated[int, BOUND]", "integer"),
        ("Optional[jax.typing.ArrayLike]", "number, null"),
        ("Missing", "error, interpolate, forward_fill"),
        ("tuple[Period, ...]", "list of: year, week"),
        ("list[Literal[KINDS]]", "list of: a, b"),
        ("list[Literal[tuple(TABLE)]]", "list of: c, d"),
        ("list[Literal['x', Period]]", "list of: x, year, week"),
        ("tuple[str | int, str | int] | None", "list of: text, integer, null"),
        ("list[list[Size]]", "list of lists of: integer above 0"),
        ("str | Path", "path"),
        ("Distribution | None", "a node with a _target_, null"),
        ("Callable[..., Any]", "a node with a _target_"),
    ],
)
def test_an_annotation_in_words(words, annotation, expected):
    assert words(annotation) == expected


def nodes(node):
    if isinstance(node, dict):
        yield from ([node["_target_"]] if "_target_" in node else [])
        for value in node.values():
            yield from nodes(value)


def test_every_key_of_every_choice_has_a_type_in_words():
    files = [path for path in CONF.rglob("*.yaml") if path.parent.name != "experiment"]
    targets = sorted({target for path in files for target in nodes(yaml.safe_load(path.read_text()))})
    rows = {f"{target}({name}=)": row[0] for target in targets if target.startswith(("jaxrnn.", "optax."))
            for name, row in explained.described(target)[1].items() if name != "networks"}  # fmt: skip
    assert len(rows) > 300
    assert {name: kind for name, kind in rows.items() if kind == "" or PLAIN.fullmatch(kind) is None} == {}
