"""Claims of a paper: a published value, our measurement of it, and a verdict by a stated rule.

For some claims the paper prints no number. Their bound is ours (`source="our bound"`): a verdict against it is marked
and does not count as agreement with the paper.
"""

import html
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxrnn import atomic
from jaxrnn.plotting import style
from jaxrnn.plotting.notebooks import Figures
from jaxrnn.table import Table

OUR_BOUND = "our bound"  # the source of a claim whose paper prints no number
RECALLED = "unchecked"  # the source of a claim whose paper could not be read
RULES = {
    "equal": "a value if our median is within the tolerance of it",
    "at least": "a lower bound if our median is not below it",
    "at most": "an upper bound if our median is not above it",
}
SOURCES = {
    "text": "read in the paper",
    "code": "read in the authors' code",
    "derived": "derived from the paper's equations, in closed form",
    RECALLED: "recalled from memory, because the paper could not be read",
    OUR_BOUND: "bounds of our own, because the paper prints none",
}
MARKS = {RECALLED: " (recalled)", OUR_BOUND: " (ours)"}  # of values that no paper here confirms
NUMBERS = ("published", "ours", "lowest", "highest", "seeds", "tolerance")  # columns of a row


class Claim(NamedTuple):
    """Claim of a paper about a number.

    Fields:
      quantity: the number, with its unit.
      published: its published value, or our bound.
      ours: [N], measured with N seeds; one value if nothing is random.
      rule: a key of `RULES`.
      tolerance: largest distance from the published value that "equal" allows.
      source: a key of `SOURCES`.
    """

    quantity: str
    published: float
    ours: Any
    rule: Literal["equal", "at least", "at most"] = "equal"
    tolerance: float = 0.0
    source: Literal["text", "code", "derived", "unchecked", "our bound"] = "derived"

    def verdict(self) -> str:
        """Returns the verdict by the rule; see the function `verdict`."""
        return self.row()["verdict"]

    def row(self) -> dict[str, Any]:
        """Returns the claim as a row of a table."""
        values = np.atleast_1d(np.asarray(self.ours, float))
        row = {
            "claim": self.quantity,
            "published": self.published,
            "ours": float(np.median(values)),
            "lowest": float(values.min()),
            "highest": float(values.max()),
            "seeds": len(values),
            "rule": self.rule,
            "tolerance": self.tolerance,
            "source": self.source,
        }
        return row | {"verdict": verdict(row)}


def at_most(quantity: str, bound: float, ours: Any, source: Any = OUR_BOUND) -> Claim:
    """Returns the claim that a number is at most a bound; the paper prints none, unless another source is given."""
    return Claim(quantity, bound, ours, "at most", source=source)


def at_least(quantity: str, bound: float, ours: Any, source: Any = OUR_BOUND) -> Claim:
    """Returns the claim that a number is at least a bound; the paper prints none, unless another source is given."""
    return Claim(quantity, bound, ours, "at least", source=source)


def verdict(row: dict[str, Any]) -> str:
    """Returns "agrees" or "differs" for a published number, "our bound met" or "our bound missed" for our own bound."""
    ours, published = row["ours"], row["published"]
    holds = {
        "equal": abs(ours - published) <= row["tolerance"],
        "at least": ours >= published,
        "at most": ours <= published,
    }[row["rule"]]
    if row["source"] == OUR_BOUND:
        return "our bound met" if holds else "our bound missed"
    return "agrees" if holds else "differs"


def markdown(rows: list[dict[str, Any]]) -> list[str]:
    """Returns rows of claims as a Markdown table, followed by its rules, its sources and the number of agreements."""
    lines = ["| claim | published | ours | spread over seeds | verdict |", "|---|---|---|---|---|"]
    for row in rows:
        spread = f"{row['lowest']:.4g} to {row['highest']:.4g} ({row['seeds']})" if row["seeds"] > 1 else ""
        bound = {"equal": "", "at least": "≥ ", "at most": "≤ "}[row["rule"]]
        published = f"{bound}{row['published']:.4g}" + (f" ± {row['tolerance']:.2g}" if row["tolerance"] else "")
        published += MARKS.get(row["source"], "")
        lines.append(f"| {row['claim']} | {published} | {row['ours']:.4g} | {spread} | {row['verdict']} |")
    rules = "; with ".join(RULES[rule] for rule in dict.fromkeys(row["rule"] for row in rows))
    sources = dict.fromkeys(row["source"] for row in rows)
    published_sources = [SOURCES[source] for source in sources if source not in MARKS]
    sentences = [f"A number agrees with {rules}."]
    sentences += [f"The published values are {'; '.join(published_sources)}."] if published_sources else []
    if RECALLED in sources:
        sentences.append(f"Values marked{MARKS[RECALLED]} are {SOURCES[RECALLED]}.")
    if OUR_BOUND in sources:
        sentences.append(f"Rows marked{MARKS[OUR_BOUND]} have {SOURCES[OUR_BOUND]}.")
    return [*lines, "", " ".join([*sentences, *_counts(rows)])]


def _counts(rows):
    """Yields the number of agreements with the paper and, separately, with recalled values and with our own bounds."""
    for label, is_counted, verdict in (
        ("Agreement with the paper", lambda source: source not in MARKS, "agrees"),
        ("Agreement with recalled values, counted apart", lambda source: source == RECALLED, "agrees"),
        ("Our own bounds met, not counted as agreement", lambda source: source == OUR_BOUND, "our bound met"),
    ):
        verdicts = [row["verdict"] for row in rows if is_counted(row["source"])]
        if verdicts:
            yield f"{label}: {verdicts.count(verdict)} of {len(verdicts)}."


class Reproduction(NamedTuple):
    """Measured claims of a paper.

    Fields:
      paper: authors, year, title.
      claims: a list of `Claim`s.
      settings: {name: value}, everything that the numbers depend on.
      differs: sentences about the differences from the paper's experiment.
      draw: function () -> {title: figure}.
    """

    paper: str
    claims: list[Claim]
    settings: dict[str, Any]
    differs: list[str]
    draw: Any

    def table(self) -> Table:
        """Returns a `Table` with one row per claim."""
        return Table(claim.row() for claim in self.claims)

    def write(self, folder: str | Path, command: str, seconds: float, width: float | None = None) -> list[str]:
        """Writes `claims.csv`, `reproduction.md` and the figures into a folder; returns lines for the terminal."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.table().write(folder / "claims.csv")
        with style.page(width):
            for title, figure in self.draw().items():
                style.save(figure, folder, title)
        lines = self.lines()
        page = [
            f"# {self.paper}",
            "",
            *lines,
            "",
            "Settings: " + ", ".join(f"{k}={v}" for k, v in self.settings.items()),
        ]
        page += ["", *(f"- {sentence}" for sentence in self.differs), ""]
        page += [f"`{command}`, {seconds:.0f} s"]
        atomic.write(folder / "reproduction.md", "\n".join(page) + "\n")
        return lines

    def lines(self) -> list[str]:
        """Returns the claims as a Markdown table with its rules, its sources and the number of agreements."""
        return markdown(self.table().rows)

    def plot(self, width: float | None = None) -> Figures:
        """Draws {title: figure}, `width` inches wide (7 by default); a notebook shows them."""
        with style.page(width):
            return Figures(self.draw())

    def _repr_html_(self):
        return f"<p>{html.escape(self.paper)}</p>{self.table()._repr_html_()}{self.plot()._repr_html_()}"
