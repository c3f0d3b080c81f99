"""Data sets of measured series: scaled by the training part, split in time, with past and future covariates."""

import logging
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxrnn import timeline
from jaxrnn.batch import Batch
from jaxrnn.data import _calendar, _predictors, _steps
from jaxrnn.data._forecast import Target, forecast
from jaxrnn.data._gaps import Missing
from jaxrnn.distribution import Distribution
from jaxrnn.distributions import point
from jaxrnn.metrics import coverage, crps, mean_squared_error, scaled_error
from jaxrnn.series import Series

LARGEST = 1e30  # well inside the range of float32, which ends at 3.4e38
Anchor = Literal["last", "linear"]
Calendar = tuple[Literal["year", "week", "day"], ...]


class Measured(NamedTuple):
    """Measured series, as read from its source.

    Fields:
      values: [N, V], in the source's units; NaN if missing.
      labels: the names of the V values, with their units.
      times: [N], or [N + F] if later times are known; numbers or datetime64.
      time_label: the name of the time axis.
      past_covariates: [N, P], covariates that are known up to the present, or None.
      future_covariates: [N + F, Q], covariates that are known in advance, or None.
      notes: sentences about how the source was read.
      step, missing, informed: as in `Series`.
    """

    values: np.ndarray
    labels: tuple[str, ...]
    times: np.ndarray
    time_label: str
    past_covariates: np.ndarray | None = None
    future_covariates: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    step: Any = None
    missing: np.ndarray | None = None
    informed: np.ndarray | None = None


class Options(NamedTuple):
    """Options of a data set with a measured series, named as the arguments of the data sets."""

    window: int
    validation: float = 0.15
    test: float = 0.15
    target: Target = "all"
    horizon: int = 1
    lags: int = 1
    season: int | None = None
    log: bool = False
    calendar: Calendar = ()
    anchor: Anchor | None = None
    distribution: Distribution | None = None
    missing: Missing = "error"
    frequency: str | None = None


def measured(source, options):
    """Builds the data set of a `Measured` series with `Options`.

    Raises:
      ValueError: if the training part is empty or shorter than the window, or the values do not suit the logarithm or
        the count distribution.
    """
    validation, test = options.validation, options.test
    if validation + test >= 1:
        raise ValueError(f"data.validation={validation} and data.test={test} leave nothing to train on")
    if options.season is not None and options.horizon > options.season:
        raise ValueError(
            f"data.horizon={options.horizon} must be at most data.season={options.season}; shorten the "
            "horizon, or give data.season=null"
        )
    source = _steps.space_evenly(source, options, lambda count: round(count * (1 - test - validation)))
    count = len(source.values)
    start, test_start = round(count * (1 - test - validation)), round(count * (1 - test))
    distribution = point.distribution() if options.distribution is None else options.distribution
    if options.season is not None and options.season >= start:
        raise ValueError(
            f"data.season={options.season} must be shorter than the training part, {start} values; give "
            "smaller data.validation and data.test"
        )
    series = _series(source, options, start, test_start, distribution.counts)
    if distribution.scaled is not None:
        distribution = distribution.scaled(np.tile(series.std, series.horizon))
    series = series.with_naive_error(start, options.season or 1)._replace(distribution=distribution)
    spans = {"validation": (start, test_start), "test": (test_start, count)}
    splits = {name: span for name, span in spans.items() if span[0] < span[1]}
    history = options.season or 0
    dataset = forecast(series, options.window, start, splits, options.target, history=history)
    lags = options.lags if options.lags > 1 else max(1, min(_predictors.LAGS, options.window, start // 4))
    if options.anchor == "linear":  # a function of one step's inputs only, so that the net can run on a stream
        lags = options.lags
    linear = _predictors.linear(series, start, lags)
    anchor = {None: None, "last": _predictors.last_value(series), "linear": linear}[options.anchor]
    return dataset._replace(
        baselines=_baselines(series, start, options, linear),
        metrics=_metrics(series, options.season),
        notes=source.notes,
        series=series._replace(anchor=anchor),
    )


def _metrics(series, season):
    distribution = series.distribution
    metrics = {
        "mse": mean_squared_error(distribution),
        "mase": scaled_error(series, distribution),
        "crps": crps(series, distribution),
    }
    if np.isnan(series.naive_error).any():
        left_out = ("mase",) if series.log else ("mase", "crps")
        metrics = {name: metric for name, metric in metrics.items() if name not in left_out}
        label = series.value_labels[int(np.argmax(np.isnan(series.naive_error)))]
        logging.getLogger(__name__).warning(
            "%s left out: in the training part, %s always equals its value data.season=%s steps before, so the scale "
            "of the error would be zero",
            "mase is" if series.log else "mase and crps are",
            label,
            season,
        )
    metrics |= {"coverage": coverage(distribution)} if distribution.size > 1 else {}
    return metrics


def _baselines(series, train, options, linear):
    """Returns {name: Batch -> ys}: predictors with the spread of their errors on the training part."""
    steps = max(options.window, options.season or 0)

    def windows():
        ends = np.arange(min(steps, train // 2), train - series.horizon)
        ends = ends[np.linspace(0, len(ends) - 1, min(len(ends), _predictors.WINDOWS)).astype(int)]
        times = np.maximum(ends - np.arange(steps)[::-1, None], 0)
        xs, targets = (read(times.ravel()).reshape(*times.shape, -1) for read in (series.inputs, series.targets))
        return Batch(jnp.asarray(xs, float), jnp.asarray(targets, float), None, None)

    predictors = {"persistence": _predictors.last_value(series)}
    if options.season is not None:
        predictors["seasonal persistence"] = _predictors.season_before(series, options.season)
    predictors |= {"linear autoregression": linear, "echo state network": _predictors.echo_state(series, windows)}
    return {
        name: _predictors.spread_around(predict, series.distribution, windows) for name, predict in predictors.items()
    }


def _series(source, options, start, test_start, counts):
    """Returns the scaled `Series`; its first `start` values set the scale."""
    values, labels = np.asarray(source.values, float), source.labels
    is_known = np.ones(values.shape, bool) if source.missing is None else ~source.missing
    _refuse(np.abs(values) > LARGEST, labels, f"larger than {LARGEST:g} in absolute value, which float32 cannot scale")
    if options.log:
        _refuse((values <= 0) | counts, labels, "data.log=true requires values above 0, and no count distribution")
        values = np.log(values)
    train = np.where(is_known, values, np.nan)[:start]
    mean, std = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    if counts:
        _refuse(
            is_known & ((values < 0) | (values != np.round(values))),
            labels,
            "counts must be whole numbers >= 0",
        )
        mean, std = np.zeros_like(mean), np.nanmean(train, axis=0)
    _refuse_scales(values, mean, std, labels)
    return Series(
        (values - mean) / std,
        mean,
        std,
        source.times,
        test_start,
        source.time_label,
        labels,
        log=options.log,
        lags=options.lags,
        past_covariates=None if source.past_covariates is None else _scaled(source.past_covariates, start),
        future_covariates=_known(source, options, start),
        horizon=options.horizon,
        step=source.step,
        missing=source.missing,
        informed=source.informed,
    )


def _known(source, options, start):
    """Returns [N + F, Q]: the columns known in advance and the calendar, cut to the shorter; None for neither."""
    count, parts = len(source.times), []
    if source.future_covariates is not None:
        parts.append(_scaled(source.future_covariates, start))
        _refuse_answers(source)
    if options.calendar:
        if not np.issubdtype(np.asarray(source.times).dtype, np.datetime64):
            raise ValueError(
                "data.calendar requires dates: name their column with data.time=..., and give "
                "data.time_format=... if they are plain digits"
            )
        times = np.concatenate([source.times, timeline.later(source.times, source.step, count)])
        parts.append(_calendar.features(times, options.calendar))
    shortest = min((len(part) for part in parts), default=0)
    return np.concatenate([part[:shortest] for part in parts], axis=1) if parts else None


def _refuse_answers(source):
    """Raises ValueError if a column known in advance equals a forecast column."""
    for number, column in enumerate(np.asarray(source.future_covariates, float)[: len(source.values)].T, 1):
        for values, label in zip(np.asarray(source.values, float).T, source.labels, strict=True):
            if np.array_equal(column, values):
                raise ValueError(
                    f"future_covariates: column {number} equals the values to forecast ({label}), so it is not known "
                    "in advance; leave it out"
                )


def _scaled(columns, start):
    columns = np.asarray(columns, float)
    std = columns[:start].std(axis=0)
    return (columns - columns[:start].mean(axis=0)) / np.where(std > 0, std, 1.0)


def _refuse_scales(values, mean, std, labels):
    """Raises ValueError if the training part is constant, or varies so little that other values would overflow."""
    for column, label in enumerate(labels):
        if std[column] <= 1e-12 * max(np.abs(mean[column]), 1 / LARGEST):
            raise ValueError(f"{label}: the training part is constant, so there is nothing to learn")
    _refuse(np.abs(values - mean) > LARGEST * std, labels, "too far from the training part to be scaled with it")


def _refuse(wrong, labels, rule):
    """Raises ValueError that names the first value marked as wrong."""
    if wrong.any():
        row, column = np.argwhere(np.broadcast_to(wrong, wrong.shape))[0]
        raise ValueError(f"{labels[column]}, value {row + 1}: {rule}")
