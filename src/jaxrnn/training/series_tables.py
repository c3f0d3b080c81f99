"""Tables of the forecasts of a series: predictions with their times, and errors in the source's units."""

from typing import Any

import numpy as np

from jaxrnn.precision import in_own_precision
from jaxrnn.windows import Windows, panel_index

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def has_predictions(dataset: Any, split: str) -> bool:
    """Returns whether a split holds the windows of a series, whose predictions have times."""
    return dataset.series is not None and split in dataset.splits and isinstance(dataset.splits[split].xs, Windows)


def of_panel(dataset: Any, split: str, ys: Any) -> list[tuple[Any, np.ndarray]]:
    """Lists (`Series`, outputs [n, K]) of each series of a panel with windows in a split, for outputs ys [1, B, K]."""
    return [(series, outputs) for series, _, outputs in _of_each(dataset, dataset.splits[split], ys)]


def of_series(dataset: Any, split: str, ys: Any) -> np.ndarray:
    """Returns the outputs [n, K] for the steps of a split that count, of the data set's `series` only."""
    ys, batch = np.asarray(ys), dataset.splits[split]
    if not isinstance(batch.xs, Windows):
        return ys[np.asarray(batch.weights) > 0]  # of the only sequence
    return next(part for series, _, part in _of_each(dataset, batch, ys) if series.name == dataset.series.name)


@in_own_precision
def predictions(run: Any, split: str) -> Any:
    """Lists every value that a network predicts in a split, in the source's units.

    Args:
      run: a `Run` on windows of a series.
      split: the name of the split.

    Returns:
      A `pandas.DataFrame` with the columns split, series (of a panel), time, variable (of several), steps ahead (for a
      horizon above 1), truth (NaN if missing), prediction, and the quantiles of a distribution. Predicted counts are
      whole numbers.
    """
    import pandas  # imported here: it takes half a second

    batch, frames = run.dataset.splits[split], []
    for series, steps, ys in _of_each(run.dataset, batch, run.predict(split)):
        distribution, shape = series.distribution, (len(steps), series.horizon, -1)
        levels = QUANTILES if distribution.size > 1 else ()
        values = {"prediction": distribution.median(ys)}
        values |= {f"quantile {q:g}": distribution.quantile(ys, q) for q in levels}
        values = {
            name: series.in_source_units(np.asarray(array, float).reshape(shape)) for name, array in values.items()
        }
        ahead = steps[:, None] + 1 + np.arange(series.horizon)
        values = {"truth": series.in_source_units(series.truth()[ahead])} | values
        if distribution.counts:
            values = {name: np.round(array) for name, array in values.items()}
        width = len(series.value_labels)
        times = series.times_of(0, len(series.values))[ahead]
        columns = {"split": split} | ({"series": series.name} if series.panel or series.name else {})
        columns["time"] = np.char.add(times.astype(str), series.zone).repeat(width)
        columns |= {"variable": np.tile(series.value_labels, ahead.size)} if width > 1 else {}
        leads = np.tile(np.arange(1, series.horizon + 1), len(steps)).repeat(width)
        columns |= {"steps ahead": leads} if series.horizon > 1 else {}
        frames.append(pandas.DataFrame(columns | {name: array.ravel() for name, array in values.items()}))
    return pandas.concat(frames, ignore_index=True)


@in_own_precision
def errors(run: Any) -> list[dict[str, Any]]:
    """Measures the errors of a network and of the trivial predictor for each series and each of its variables.

    Args:
      run: a `Run` on windows of a series.

    Returns:
      Dicts with split, series (of a panel), variable, predictor, rmse and mae (in the source's units), and mase. The
      series "all" of a panel holds all of them.
    """
    dataset, rows = run.dataset, []
    for split, batch in dataset.splits.items():
        outputs = {"network": run.predict(split), dataset.trivial_name: dataset.trivial(batch)}
        for predictor, ys in outputs.items():
            pooled = []
            for series, steps, of_series in _of_each(dataset, batch, ys):
                predicted = np.asarray(series.distribution.median(of_series), float)
                ahead = steps[:, None] + 1 + np.arange(series.horizon)
                differences = series.differences(predicted.reshape(*ahead.shape, -1), series.truth()[ahead])
                pooled.append((differences.reshape(-1, differences.shape[-1]), series.naive_error))
                rows += _rows(series, split, predictor, [pooled[-1]])
            if dataset.series.panel:
                rows += _rows(dataset.series._replace(name="all"), split, predictor, pooled)
    return rows


def _rows(series, split, predictor, pieces):
    """Returns a dict of errors per variable; `pieces` are [(errors [n, V] in source units, naive error [V])]."""
    differences = np.concatenate([errors for errors, _ in pieces])
    shares = np.concatenate([errors / np.asarray(naive) for errors, naive in pieces])
    return [
        {"split": split}
        | ({"series": series.name} if series.name else {})
        | {
            "variable": label,
            "predictor": predictor,
            "rmse": np.sqrt(np.nanmean(differences[:, variable] ** 2)),
            "mae": np.nanmean(np.abs(differences[:, variable])),
            "mase": np.mean(np.abs(shares[:, variable]), where=~np.isnan(differences[:, variable])),
        }
        for variable, label in enumerate(series.value_labels)
    ]


def _of_each(dataset, batch, ys):
    """Yields (`Series`, steps [n], ys [n, K]) of each series with windows in a batch; a step is the window's last."""
    panel = dataset.series.panel or (dataset.series,)
    numbers, ends = np.asarray(panel_index(panel, batch.xs.starts)), np.asarray(batch.xs.starts) + len(batch.xs) - 1
    offset = 0
    for number, series in enumerate(panel):
        rows = numbers == number
        if rows.any():
            yield series, ends[rows] - offset, np.asarray(ys)[0, rows]
        offset += len(series.values)
