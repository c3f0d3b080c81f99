"""What a study found: arrays by network, tables, sentences, figures with their captions."""

import html
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxrnn import atomic, statistics
from jaxrnn.plotting import style
from jaxrnn.plotting.notebooks import Figures
from jaxrnn.table import Table


class Result(NamedTuple):
    """What a study found.

    Fields:
      networks: {network's name: {what: array, or {state: array}}}, all that the figures show, every network's own
        values; a layer of several is a network of its own, such as "gru, layer 2".
      table: a `Table`, a row a network, step and whatever else was varied.
      findings: sentences for the terminal.
      draw: Result -> {title: figure}; the names of its networks are as `style.plain` gives them.
      common: {what: array} that all networks share, such as the thresholds that were tried.
      captions: {title: what the figure shows, in sentences}.
      scores: {quantity: {network's name: [N]}}, one number a network after training, which kinds are compared by.
    """

    networks: dict[str, dict[str, Any]]
    table: Table
    findings: list[str]
    draw: Callable[..., Any]
    common: dict[str, Any] = {}  # noqa: RUF012
    captions: dict[str, str] = {}  # noqa: RUF012
    scores: dict[str, dict[str, Any]] = {}  # noqa: RUF012

    def __getitem__(self, name: str) -> dict[str, Any]:
        """What was found of the network of this name."""
        return self.networks[name]

    def plot(self, width: float | None = None) -> Figures:
        """{title: figure}, so many inches wide, 7 unless told otherwise; in a notebook they are shown."""
        named = self._replace(
            networks={style.plain(name): own for name, own in self.networks.items()},
            scores={
                quantity: {style.plain(name): values for name, values in scores.items()}
                for quantity, scores in self.scores.items()
            },
        )
        with style.page(width):
            return Figures(self.draw(named))

    def arrays(self) -> dict[str, Any]:
        """All arrays under flat names, "NETWORK/WHAT" or "NETWORK/WHAT/STATE", and "WHAT" for common ones."""
        return {**self.common, **dict(_flat(self.networks, ""))}

    def comparisons(self) -> Table:
        """A `Table` of every pair of kinds with the same number of networks, two or more, quantity by quantity: the
        median of the differences over seeds with its bootstrap interval, and the p-value of a paired permutation
        test."""
        rows = []
        for quantity, scores in self.scores.items():
            for one, two in combinations(scores, 2):
                a, b = (np.asarray(scores[name], float) for name in (one, two))
                if len(a) == len(b) > 1:
                    middle, low, high = map(float, statistics.median(a - b))
                    row = {"quantity": quantity, "a": one, "b": two, "networks": len(a), "difference": middle}
                    rows.append(row | {"low": low, "high": high, "p": statistics.paired(a, b)})
        return Table(rows)

    def _repr_html_(self):
        sentences = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.findings)
        return f"{sentences}{self.table._repr_html_()}{self.plot()._repr_html_()}"

    def _scored(self):
        """The scores as a `Table`, a row a network."""
        return Table(
            {"quantity": quantity, "network": name, "number": number, "value": float(value)}
            for quantity, scores in self.scores.items()
            for name, values in scores.items()
            for number, value in enumerate(values)
        )

    def write(self, folder: str | Path, name: str, width: float | None = None, provenance: str = "") -> list[Path]:
        """Writes `NAME.npz`, `NAME.csv`, `scores.csv`, `NAME_comparisons.csv` where kinds are compared, and the
        figures, each with its caption in a text file beside it.

        Args:
          folder: where to.
          name: the study's.
          width: of the figures, in inches.
          provenance: how the numbers were made, the last lines of each caption.

        Returns:
          The paths.
        """
        places = [Path(folder) / f"{name}.csv", Path(folder) / f"{name}.npz"]
        self.table.write(places[0])
        with atomic.aside(places[1]) as other:
            np.savez_compressed(other, **self.arrays())
        if self.scores:
            places.append(Path(folder) / "scores.csv")
            self._scored().write(places[-1])
        if len(compared := self.comparisons()):
            places.append(Path(folder) / f"{name}_comparisons.csv")
            compared.write(places[-1])
        for title, figure in self.plot(width).items():
            places.append(style.publish(figure, folder, title))
            atomic.write(places[-1].with_suffix(".txt"), f"{self.captions.get(title, title)}\n{provenance}")
        return places


def quantiles(interval, names=("median", "low", "high")):
    """An `Interval` of numbers as cells of a table."""
    return dict(zip(names, map(float, interval), strict=True))


def _flat(node, path):
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}/")
        else:
            yield f"{path}{name}", value
