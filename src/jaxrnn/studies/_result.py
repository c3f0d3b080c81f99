"""What a study found: arrays by network, a table, sentences, figures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxrnn.plotting import style
from jaxrnn.table import Table


class Result(NamedTuple):
    """What a study found.

    Fields:
      networks: {network's name: {what: array, or {state: array}}}, all that the figures show.
      table: a `Table`, a row a network, step and whatever else was varied.
      findings: sentences for the terminal.
      draw: Result -> {title: figure}.
      common: {what: array} that all networks share, such as the thresholds that were tried.
    """

    networks: dict[str, dict[str, Any]]
    table: Table
    findings: list[str]
    draw: Callable
    common: dict[str, Any] = {}  # noqa: RUF012

    def __getitem__(self, name):
        """What was found of the network of this name."""
        return self.networks[name]

    def plot(self):
        """{title: figure}; in a notebook they are shown."""
        return style.Figures(self.draw(self))

    def arrays(self):
        """All arrays under flat names, "NETWORK/WHAT" or "NETWORK/WHAT/STATE", and "WHAT" for common ones."""
        return {**self.common, **dict(_flat(self.networks, ""))}

    def write(self, folder, name):
        """Writes `NAME.npz`, `NAME.csv` and the figures into a folder; returns the paths."""
        places = [Path(folder) / f"{name}.csv", Path(folder) / f"{name}.npz"]
        self.table.write(places[0])
        np.savez_compressed(places[1], **self.arrays())
        return places + [style.publish(figure, folder, title) for title, figure in self.plot().items()]


def _flat(node, path):
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}/")
        else:
            yield f"{path}{name}", value
