"""Metrics and baselines of measured series, also of several series that share a network."""

import logging
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxrnn.batch import Batch
from jaxrnn.data import _predictors
from jaxrnn.dataset import Metric
from jaxrnn.metrics import absolute_error, coverage, crps, mean_squared_error, root_mean_squared_error, scaled_error
from jaxrnn.windows import panel_index


class Part(NamedTuple):
    """One scaled series, and how it is split.

    Fields:
      series: the `Series`.
      train: number of values in the training part.
      test: index of the first value of the test part.
    """

    series: Any
    train: int
    test: int


def metrics(parts, season):
    """Returns {name: `Metric`} of the outputs for windows of the parts' series."""
    panel = tuple(part.series for part in parts)
    first, distribution = panel[0], panel[0].distribution
    functions = {"mse": mean_squared_error(distribution)._replace(unit="scaled")}
    functions |= {name: _of_each(panel, factory, distribution)
                  for name, factory in (("mase", scaled_error), ("crps", crps))}  # fmt: skip
    for series in panel:
        if np.isnan(series.naive_error).any():
            left_out = ("mase",) if series.log else ("mase", "crps")
            functions = {name: metric for name, metric in functions.items() if name not in left_out}
            _warn_left_out(series, season)
            break
    functions |= {"coverage": coverage(distribution)} if distribution.size > 1 else {}
    if first.values.shape[1] == 1:  # values of different columns may have different units
        functions |= {name: _of_each(panel, factory, distribution)
                      for name, factory in (("rmse", root_mean_squared_error), ("mae", absolute_error))}  # fmt: skip
    return functions


def _warn_left_out(series, season):
    label = series.value_labels[int(np.argmax(np.isnan(series.naive_error)))]
    logging.getLogger(__name__).warning(
        "%s left out: in the training part, %s always equals its value data.season=%s steps before, so the scale "
        "of the error would be zero",
        "mase is" if series.log else "mase and crps are",
        f"{label} of {series.name}" if series.name else label,
        season,
    )


def _of_each(panel, factory, distribution):
    """Returns the metric `factory(series, distribution)`, with the scale of the series that a window is from."""
    whole = factory(panel[0], distribution)
    if len(panel) == 1:
        return whole
    scales = {name: np.stack([np.broadcast_to(getattr(series, name), series.values.shape[1:]) for series in panel])
              for name in ("mean", "std", "naive_error")}  # fmt: skip

    def score(ys, batch):
        rows = panel_index(panel, batch.xs.starts)
        local = panel[0]._replace(**{name: jnp.asarray(array, float)[rows][:, None] for name, array in scales.items()})
        return factory(local, distribution)(ys, batch)

    return Metric(score, whole.unit, whole.better)


def baselines(parts, options, linear):
    """Returns {name: Batch -> ys}: predictors with the spread of their errors on the training parts.

    Args:
      parts: the `Part`s.
      options: the `Options` of the data set.
      linear: the linear autoregression.
    """
    steps, first = max(options.window, options.season or 0), parts[0].series
    windows = partial(_training_windows, parts, steps)
    predictors = {"persistence": _predictors.last_value(first)}
    if options.season is not None:
        predictors["seasonal persistence"] = _predictors.season_before(first, options.season)
    predictors |= {"linear autoregression": linear, "echo state network": _predictors.echo_state(first, windows)}
    return {
        name: _predictors.spread_around(predict, first.distribution, windows) for name, predict in predictors.items()
    }


def _training_windows(parts, steps):
    """Returns a `Batch` of windows of `steps` steps, evenly spread over the training parts."""
    pieces = []
    for series, train, _ in parts:
        ends = np.arange(min(steps, train // 2), train - series.horizon)
        count = min(len(ends), max(_predictors.WINDOWS // len(parts), 1))
        ends = ends[np.linspace(0, len(ends) - 1, count).astype(int)]
        times = np.maximum(ends - np.arange(steps)[::-1, None], 0)
        pieces.append([read(times.ravel()).reshape(*times.shape, -1) for read in (series.inputs, series.targets)])
    xs, targets = (np.concatenate(arrays, axis=1) for arrays in zip(*pieces, strict=True))
    weights, fresh = jnp.ones(targets.shape[:2]), jnp.ones(targets.shape[1], bool)
    return Batch(jnp.asarray(xs, float), jnp.asarray(targets, float), weights, fresh)
