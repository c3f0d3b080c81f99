"""A published value beside ours, and the verdict, which follows from the numbers by a stated rule."""

import html
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxrnn import atomic
from jaxrnn.plotting import style
from jaxrnn.plotting.notebooks import Figures
from jaxrnn.table import Table

RULES = {
    "equal": "agrees with a value if the median of ours is within the tolerance of it",
    "at least": "agrees with a lower bound if the median of ours is not below it",
    "at most": "agrees with an upper bound if the median of ours is not above it",
}
SOURCES = {
    "text": "read in the paper",
    "code": "read in the authors' code",
    "derived": "derived from the paper's equations, in closed form",
    "unchecked": "as recalled; the paper could not be read",
    "set here": "bounds that this reproduction sets, which no paper prints",
}


class Claim(NamedTuple):
    """What a paper says of a number.

    Fields:
      what: the number, with its unit.
      published: its value.
      ours: [N], measured with N seeds; one where nothing is drawn.
      rule: a key of `RULES`.
      tolerance: how far from the published value "equal" may be.
      source: a key of `SOURCES`.
    """

    what: str
    published: float
    ours: Any
    rule: Literal["equal", "at least", "at most"] = "equal"
    tolerance: float = 0.0
    source: Literal["text", "code", "derived", "unchecked", "set here"] = "derived"

    def verdict(self) -> str:
        """ "agrees" or "differs", by the rule."""
        found = float(np.median(self.ours))
        held = {
            "equal": abs(found - self.published) <= self.tolerance,
            "at least": found >= self.published,
            "at most": found <= self.published,
        }
        return "agrees" if held[self.rule] else "differs"

    def row(self) -> dict[str, Any]:
        """The claim as a row of a table."""
        values = np.atleast_1d(np.asarray(self.ours, float))
        return {
            "claim": self.what,
            "published": self.published,
            "ours": float(np.median(values)),
            "lowest": float(values.min()),
            "highest": float(values.max()),
            "seeds": len(values),
            "rule": self.rule,
            "tolerance": self.tolerance,
            "source": self.source,
            "verdict": self.verdict(),
        }


class Reproduction(NamedTuple):
    """What was measured of a paper.

    Fields:
      paper: authors, year, title.
      claims: a list of `Claim`s.
      settings: {name: value}, all that the numbers depend on.
      differs: sentences, in what this is not the paper's experiment.
      draw: () -> {title: figure}.
    """

    paper: str
    claims: list[Claim]
    settings: dict[str, Any]
    differs: list[str]
    draw: Any

    def table(self) -> Table:
        """A `Table`, a row a claim."""
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
        """The claims as a Markdown table, followed by the rules and the sources that it names."""
        lines = ["| claim | published | ours | spread over seeds | verdict |", "|---|---|---|---|---|"]
        for row in self.table():
            spread = f"{row['lowest']:.4g} to {row['highest']:.4g} ({row['seeds']})" if row["seeds"] > 1 else ""
            bound = {"equal": "", "at least": "≥ ", "at most": "≤ "}[row["rule"]]
            published = f"{bound}{row['published']:.4g}" + (f" ± {row['tolerance']:.2g}" if row["tolerance"] else "")
            published += ", set here" if row["source"] == "set here" else ""
            lines.append(f"| {row['claim']} | {published} | {row['ours']:.4g} | {spread} | {row['verdict']} |")
        named = [RULES[rule] for rule in dict.fromkeys(claim.rule for claim in self.claims)]
        sources = [SOURCES[source] for source in dict.fromkeys(claim.source for claim in self.claims)]
        return [*lines, "", f"A number {'; '.join(named)}. The values are {'; '.join(sources)}."]

    def plot(self, width: float | None = None) -> Figures:
        """{title: figure}, so many inches wide, 7 unless told otherwise; in a notebook they are shown."""
        with style.page(width):
            return Figures(self.draw())

    def _repr_html_(self):
        return f"<p>{html.escape(self.paper)}</p>{self.table()._repr_html_()}{self.plot()._repr_html_()}"
