"""Result of a study: arrays by network, tables, findings, and figures with captions."""

import html
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxrnn import atomic, statistics
from jaxrnn.arguments import described, dotted, validated
from jaxrnn.errors import ConfigError
from jaxrnn.plotting import style
from jaxrnn.plotting.notebooks import Figures
from jaxrnn.table import Table


class Result(NamedTuple):
    """Result of a study.

    Fields:
      networks: {network's name: {quantity: array, or {state: array}}}, the values of every network that the figures
        show. If a network has several layers, each is an entry of its own, such as "gru, layer 2".
      table: a `Table`, one row per network, step and further varied quantity.
      findings: sentences for the terminal.
      draw: Result -> {title: figure}; it receives the names of the networks as `style.plain` returns them.
      common: {quantity: array} shared by all networks, such as the thresholds that were tried.
      captions: {title: caption}.
      scores: {quantity: {network's name: [N]}}, one number per network after training, by which kinds are compared.
      layout: "panels" for one panel per network, "curves" for all networks in one panel at their last checkpoint.
        Figures whose networks cannot share axes have one panel per network in both layouts.
    """

    networks: dict[str, dict[str, Any]]
    table: Table
    findings: list[str]
    draw: Callable[..., Any]
    common: dict[str, Any] = {}  # noqa: RUF012
    captions: dict[str, str] = {}  # noqa: RUF012
    scores: dict[str, dict[str, Any]] = {}  # noqa: RUF012
    layout: style.Layout = "panels"

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Returns the arrays of the network of this name."""
        return self.networks[name]

    def plot(self, width: float | None = None, layout: style.Layout | None = None) -> Figures:
        """Draws {title: figure}, `width` inches wide (7 by default); a notebook shows them.

        `layout` replaces the field of the same name.

        Raises:
          ConfigError: if the field `draw` returns anything but a dict, or there is no such layout.
        """
        named = self._replace(
            layout=validated(layout or self.layout, style.Layout, "layout"),
            networks={style.plain(name): arrays for name, arrays in self.networks.items()},
            scores={
                quantity: {style.plain(name): values for name, values in scores.items()}
                for quantity, scores in self.scores.items()
            },
        )
        with style.page(width):
            figures = self.draw(named)
        if not isinstance(figures, dict):
            raise ConfigError(f"{dotted(self.draw)}: expected {{title: figure}}, got {described(figures)}")
        return Figures(figures)

    def arrays(self) -> dict[str, Any]:
        """Returns all arrays under flat names: "NETWORK/QUANTITY" or "NETWORK/QUANTITY/STATE", and "QUANTITY" for
        common ones.
        """
        return {**self.common, **dict(flat(self.networks))}

    def comparisons(self) -> Table:
        """Compares every pair of kinds that have the same number of networks, at least two, quantity by quantity.

        Returns:
          A `Table` with the median of the differences over seeds, its bootstrap interval, and the p-value of a paired
          permutation test.
        """
        rows = []
        for quantity, scores in self.scores.items():
            for first, second in combinations(scores, 2):
                a, b = (np.asarray(scores[name], float) for name in (first, second))
                if len(a) == len(b) > 1:
                    middle, low, high = map(float, statistics.median(a - b))
                    row = {"quantity": quantity, "a": first, "b": second, "networks": len(a), "difference": middle}
                    rows.append(row | {"low": low, "high": high, "p": statistics.paired(a, b)})
        return Table(rows)

    def _repr_html_(self):
        sentences = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.findings)
        return f"{sentences}{self.table._repr_html_()}{self.plot()._repr_html_()}"

    def _scores_table(self):
        """Returns the scores as a `Table`, one row per network."""
        return Table(
            {"quantity": quantity, "network": name, "number": number, "value": float(value)}
            for quantity, scores in self.scores.items()
            for name, values in scores.items()
            for number, value in enumerate(values)
        )

    def write(self, folder: str | Path, name: str, width: float | None = None, provenance: str = "") -> list[Path]:
        """Writes `NAME.npz`, `NAME.csv`, `scores.csv`, `NAME_comparisons.csv` and the figures with captions in text
        files.

        `scores.csv` is written if there are scores, `NAME_comparisons.csv` if there are kinds to compare.

        Args:
          folder: folder to write to.
          name: name of the study.
          width: width of the figures in inches.
          provenance: how the numbers were made, the last lines of each caption.

        Returns:
          The paths of the tables, arrays and figures.
        """
        paths = [Path(folder) / f"{name}.csv", Path(folder) / f"{name}.npz"]
        self.table.write(paths[0])
        with atomic.aside(paths[1]) as temporary:
            np.savez_compressed(temporary, **self.arrays())
        if self.scores:
            paths.append(Path(folder) / "scores.csv")
            self._scores_table().write(paths[-1])
        if len(comparisons := self.comparisons()):
            paths.append(Path(folder) / f"{name}_comparisons.csv")
            comparisons.write(paths[-1])
        for title, figure in self.plot(width).items():
            paths.append(style.publish(figure, folder, title))
            atomic.write(paths[-1].with_suffix(".txt"), f"{self.captions.get(title, title)}\n{provenance}")
        return paths


def check(result, study):
    """Checks what the function of a study returned; `study` is the name of the study, for messages.

    Raises:
      ConfigError: if it is not a `Result`, or one of its fields cannot be written to files.
    """
    if not isinstance(result, Result):
        raise ConfigError(f"study {study}: expected a jaxrnn.studies.Result, got {described(result)}")
    for name, hint in (("networks", dict[str, dict]), ("findings", list[str])):
        validated(getattr(result, name), hint, f"study {study}: {name}")
    if not isinstance(result.table, Table):
        raise ConfigError(
            f"study {study}: table: expected a jaxrnn.table.Table, got {described(result.table)}; Table(rows) makes one"
        )
    for name, values in result.arrays().items():
        try:
            is_array = np.asarray(values).dtype != object
        except ValueError:  # lists of different lengths
            is_array = False
        if not is_array:
            raise ConfigError(
                f"study {study}: {name}: expected an array, got {described(values)} of unequal or mixed items"
            )


def quantiles(interval, names=("median", "low", "high")):
    """Returns an `Interval` of numbers as cells of a table."""
    return dict(zip(names, map(float, interval), strict=True))


def flat(node, path=""):
    """Yields ("NAME/NAME", value) for every value of nested dicts."""
    for name, value in node.items():
        if isinstance(value, dict):
            yield from flat(value, f"{path}{name}/")
        else:
            yield f"{path}{name}", value
