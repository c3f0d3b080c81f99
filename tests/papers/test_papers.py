"""Published claims, in their quick form: each agrees, and a verdict follows only from the numbers and its source."""

import csv
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import jaxrnn.papers
from jaxrnn.papers import _claims
from jaxrnn.papers._claims import Claim, Reproduction
from jaxrnn.plotting import style

PAPERS = [module.name for module in pkgutil.iter_modules(jaxrnn.papers.__path__) if module.name[0] != "_"]
FIRST = {"gers_2000", "pascanu_2013"}


SLOW = (pytest.mark.slow, pytest.mark.share(5))


@pytest.mark.parametrize("name", [n if n in FIRST else pytest.param(n, marks=SLOW) for n in PAPERS])
def test_a_paper_in_its_quick_form(name, x32, tmp_path):
    found = importlib.import_module(f"jaxrnn.papers.{name}").reproduce(quick=True)
    assert isinstance(found, Reproduction)
    assert len(found.claims) > 1
    verdicts = {claim.quantity: claim.verdict() for claim in found.claims}
    expected = {claim.quantity: "our bound met" if claim.source == "our bound" else "agrees" for claim in found.claims}
    assert verdicts == expected
    found.write(tmp_path, "the command", 1.0)
    rows = list(csv.DictReader((tmp_path / "claims.csv").read_text().splitlines()))
    assert [row["claim"] for row in rows] == list(verdicts)
    assert "`the command`, 1 s" in (tmp_path / "reproduction.md").read_text()
    assert list((tmp_path / "figures").glob("*.png"))


def test_every_paper_says_what_it_reproduces_and_has_a_configuration(root):
    assert len(PAPERS) > 5
    for name in PAPERS:
        module = importlib.import_module(f"jaxrnn.papers.{name}")
        assert name.rpartition("_")[2] in module.__doc__.splitlines()[0], "the first line names the paper"
        assert "quick" in inspect.signature(module.reproduce).parameters
        assert (root / "conf" / "paper" / f"{name}.yaml").is_file()


@pytest.mark.parametrize(
    ("rule", "ours", "verdict"),
    [
        ("equal", [0.9, 1.04, 9.0], "agrees"),
        ("equal", [1.06], "differs"),
        ("at least", [1.0], "agrees"),
        ("at least", [0.9, 0.95, 2.0], "differs"),
        ("at most", [0.99], "agrees"),
        ("at most", [1.01], "differs"),
        ("equal", [np.nan], "differs"),
        ("at most", [np.nan], "differs"),
    ],
)
def test_a_verdict_is_computed_by_its_rule(rule, ours, verdict):
    claim = Claim("a number", 1.0, np.array(ours), rule, tolerance=0.05)
    assert claim.verdict() == verdict == claim.row()["verdict"]
    bound = claim._replace(source="our bound")
    assert bound.verdict() == {"agrees": "our bound met", "differs": "our bound missed"}[verdict]


def test_our_own_bounds_are_marked_and_do_not_count_as_agreement():
    claims = [
        Claim("published", 1.0, 1.0, source="text"),
        Claim("missed", 1.0, 2.0, "at most", source="text"),
        Claim("bound", 1.0, 0.5, "at most", source="our bound"),
        Claim("missed bound", 1.0, 0.5, "at least", source="our bound"),
        Claim("second bound", 1.0, 0.6, "at most", source="our bound"),
    ]
    lines = Reproduction("A paper", claims, {}, [], dict).lines()
    assert "| bound | ≤ 1 (ours) | 0.5 |  | our bound met |" in lines
    assert "| missed bound | ≥ 1 (ours) | 0.5 |  | our bound missed |" in lines
    assert "Agreement with the paper: 1 of 2. Our own bounds met, not counted as agreement: 2 of 3." in lines[-1]
    assert "Agreement" not in Reproduction("A paper", claims[2:], {}, [], dict).lines()[-1]


def test_committed_tables_hold_the_verdicts_of_their_numbers(root):
    own_bounds = 0
    for path in sorted((root / "docs" / "papers").glob("*.csv")):
        for row in csv.DictReader(path.read_text().splitlines()):
            row_of_numbers = row | {name: float(row[name]) for name in _claims.NUMBERS}
            assert row["source"] in _claims.SOURCES
            assert row["verdict"] == _claims.verdict(row_of_numbers), (path.name, row["claim"])
            own_bounds += row["source"] == "our bound"
    assert own_bounds > 0


def test_what_differs_is_said(tmp_path):
    claims = [Claim("one", 1.0, 2.0, tolerance=0.5, source="unchecked"), Claim("two", 1.0, [1.0, 1.2], "at least")]
    found = Reproduction("A paper", claims, {"H": 3}, ["smaller"], lambda: {"empty": style.panels(1, "x", "y")[0]})
    found.write(tmp_path, "python x", 61.2)
    page = (tmp_path / "reproduction.md").read_text()
    assert "| one | 1 ± 0.5 (recalled) | 2 |  | differs |" in page
    assert "Agreement with the paper: 1 of 1. Agreement with recalled values, counted apart: 0 of 1." in page
    assert "| two | ≥ 1 | 1.1 | 1 to 1.2 (2) | agrees |" in page
    assert "recalled from memory, because the paper could not be read" in page
    assert "- smaller" in page
    assert "our bound" not in page
    assert "(ours)" not in page
    assert "Settings: H=3" in page
