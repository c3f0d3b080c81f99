"""Results of the params of runs that one program trains."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Results(NamedTuple):
    """Results of the params of one run.

    Fields:
      metrics: {split: {metric: float}}, without the loss of the trivial predictor.
      generated: the generated values [length, V]; None without a series.
    """

    metrics: dict[str, dict[str, float]]
    generated: Float[np.ndarray, "length V"] | None


def of_group(runs, measured, evaluate, generate):
    """Returns the function params -> [`Results`], one per run of a group.

    Args:
      runs: number of runs, N.
      measured: names of the splits to evaluate.
      evaluate: as in `jaxrnn.training.engine.Engine`.
      generate: params -> generated values [N, length, V]; None if the networks generate none.
    """

    def results(params):
        metrics = {name: evaluate(name, params) for name in measured}
        generated = [None] * runs if generate is None else generate(params)
        return [Results({name: rows[run] for name, rows in metrics.items()}, generated[run]) for run in range(runs)]

    return results


def split_runs(columns):
    """Splits {name: [N]} into N dicts, one per run."""
    columns = {name: np.asarray(column).tolist() for name, column in columns.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
