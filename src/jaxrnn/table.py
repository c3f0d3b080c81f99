"""Rows of one kind, as columns or for pandas: the history of a run, the table of a study."""

import csv
import html
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxrnn import atomic

SHOWN = 12  # rows, in a notebook


class Table:
    """Rows, dicts from a column's name to its value; what a row does not have is None in the column.

    `table["loss"]` is a column as an array, `table.where(split="train")` the rows that hold these values.

    Fields:
      rows: the dicts, in order.
    """

    def __init__(self, rows: Iterable[dict[str, Any]]):
        self.rows: list[dict[str, Any]] = list(rows)

    @property
    def columns(self) -> list[str]:
        """The columns' names, in the order in which rows have them."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> np.ndarray:
        """A column [rows].

        Raises:
          KeyError: if no row has it; it names those that there are.
        """
        if name not in self.columns:
            raise KeyError(f"there is no column {name!r}; there are {', '.join(self.columns)}")
        return np.array([row.get(name) for row in self.rows])

    def where(self, **values: Any) -> "Table":
        """The table of the rows with these values in these columns."""
        return Table(row for row in self.rows if all(row.get(name) == value for name, value in values.items()))

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame`."""
        import pandas  # here: half a second that only data frames need

        return pandas.DataFrame(self.rows, columns=self.columns)

    def write(self, path: str | Path) -> None:
        """Writes a CSV file in one piece; what a row does not have stays empty."""
        file = io.StringIO()
        writer = csv.DictWriter(file, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        atomic.write(path, file.getvalue())

    def __repr__(self) -> str:
        return f"Table of {len(self.rows)} rows: {', '.join(self.columns)}"

    def _repr_html_(self):
        """The table in a notebook, without the rows in the middle of a long one."""
        rows = self.rows if len(self.rows) <= SHOWN else [*self.rows[: SHOWN // 2], None, *self.rows[-SHOWN // 2 :]]
        left_out = f"<td colspan={len(self.columns)}>{len(self.rows) - SHOWN} rows more</td>"
        lines = [
            left_out if row is None else "".join(f"<td>{_shown(row.get(name))}</td>" for name in self.columns)
            for row in rows
        ]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _shown(value):
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else html.escape(str(value))


def read(path: str | Path) -> list[dict[str, str]]:
    """The rows of a CSV file that a `Table` wrote, values as text."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
