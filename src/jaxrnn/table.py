"""Rows of one kind, as columns or for pandas: the history of a run, the table of a study."""

import csv
import io

import numpy as np

from jaxrnn import atomic


class Table:
    """Rows, dicts from a column's name to its value; what a row does not have is None in the column.

    `table["loss"]` is a column as an array, `table.where(split="train")` the rows that hold these values.

    Fields:
      rows: the dicts, in order.
    """

    def __init__(self, rows):
        self.rows = list(rows)

    @property
    def columns(self):
        """The columns' names, in the order in which rows have them."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        return iter(self.rows)

    def __getitem__(self, name):
        """A column [rows].

        Raises:
          KeyError: if no row has it; it names those that there are.
        """
        if name not in self.columns:
            raise KeyError(f"there is no column {name!r}; there are {', '.join(self.columns)}")
        return np.array([row.get(name) for row in self.rows])

    def where(self, **values):
        """The table of the rows with these values in these columns."""
        return Table(row for row in self.rows if all(row.get(name) == value for name, value in values.items()))

    def to_pandas(self):
        """A `pandas.DataFrame`; needs pandas."""
        import pandas

        return pandas.DataFrame(self.rows, columns=self.columns)

    def write(self, path):
        """Writes a CSV file in one piece; what a row does not have stays empty."""
        file = io.StringIO()
        writer = csv.DictWriter(file, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        atomic.write(path, file.getvalue())

    def __repr__(self):
        return f"Table of {len(self.rows)} rows: {', '.join(self.columns)}"


def read(path):
    """The rows of a CSV file that a `Table` wrote, values as text."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
