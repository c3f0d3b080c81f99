"""Tables, such as the history of a run or the results of a study."""

import csv
import html
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxrnn import atomic

SHOWN = 12  # most rows that a notebook shows


class Table:
    """Rows as dicts {column: value}. A value that a row does not have is None.

    `table["loss"]` is a column as an array; `table.where(split="train")` selects rows by their values.

    Fields:
      rows: the dicts, in order.
    """

    def __init__(self, rows: Iterable[dict[str, Any]]):
        self.rows: list[dict[str, Any]] = list(rows)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order of their first appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> np.ndarray:
        """Returns a column as an array [rows].

        Raises:
          KeyError: if no row has the column; the message lists the columns.
        """
        if name not in self.columns:
            raise KeyError(f"no column {name!r}; the columns are {', '.join(self.columns)}")
        return np.array([row.get(name) for row in self.rows])

    def where(self, **values: Any) -> "Table":
        """Returns the table of the rows that have these values in these columns."""
        return Table(row for row in self.rows if all(row.get(name) == value for name, value in values.items()))

    def to_pandas(self) -> Any:
        """Converts the table to a `pandas.DataFrame`."""
        import pandas  # imported here: it takes half a second

        return pandas.DataFrame(self.rows, columns=self.columns)

    def write(self, path: str | Path) -> None:
        """Writes a CSV file atomically; missing values are empty."""
        file = io.StringIO()
        writer = csv.DictWriter(file, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        atomic.write(path, file.getvalue())

    def __repr__(self) -> str:
        return f"Table of {len(self.rows)} rows: {', '.join(self.columns)}"

    def _repr_html_(self):
        """HTML for a notebook; the middle rows of a long table are left out."""
        rows = self.rows if len(self.rows) <= SHOWN else [*self.rows[: SHOWN // 2], None, *self.rows[-SHOWN // 2 :]]
        left_out = f"<td colspan={len(self.columns)}>{len(self.rows) - SHOWN} more rows</td>"
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
    """Reads the rows of a CSV file that a `Table` wrote; the values are strings."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
