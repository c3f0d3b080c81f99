"""Further inputs of a series beside its values: where they stand in a table, and their scale."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxrnn.scales import Scale


class Covariates(NamedTuple):
    """Covariates that a network reads.

    Fields:
      columns: (name of the column, its category) of each input; the category is None for a column of numbers. The
        input of a category is 1 where the column holds it and 0 elsewhere.
      scale: their `Scale`, by the training part.
    """

    columns: tuple[tuple[str, str | None], ...]
    scale: Scale = Scale()

    @property
    def names(self) -> list[str]:
        """The names of the columns, without repetitions."""
        return list(dict.fromkeys(name for name, _ in self.columns))

    def of_frame(self, frame: Any) -> Float[np.ndarray, "N P"]:
        """Returns the inputs in a `pandas.DataFrame`, not scaled; NaN for a missing value.

        Raises:
          ValueError: if a column does not exist, or holds a category that the training data do not contain.
        """
        for name in self.names:
            if name not in frame.columns:
                raise ValueError(f"no column {name!r}; the columns are {', '.join(map(str, frame.columns))}")
            categories = [category for column, category in self.columns if column == name and category is not None]
            unknown = set(frame[name].dropna().map(_text)) - set(categories)
            if categories and unknown:
                raise ValueError(f"column {name!r}: no category {min(unknown)!r}; there are {', '.join(categories)}")
        return np.stack([_input(frame[name], category) for name, category in self.columns], axis=1)


def _text(value):
    return str(value).strip()


def _input(column, category):
    if category is None:
        return column.to_numpy(float)
    return np.where(column.isna(), np.nan, column.map(_text) == category)
