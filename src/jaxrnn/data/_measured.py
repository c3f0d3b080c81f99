"""Data sets of measured series: scaled by the training part, split in time, with past and future covariates."""

from typing import Any, Literal, NamedTuple

import numpy as np

from jaxrnn import timeline
from jaxrnn.data import _calendar, _predictors, _steps
from jaxrnn.data._forecast import Target, forecast
from jaxrnn.data._gaps import Missing
from jaxrnn.data._panel import joined
from jaxrnn.data._series_metrics import Part, baselines, metrics
from jaxrnn.distribution import Distribution
from jaxrnn.distributions import point
from jaxrnn.series import Series

MAX_NOTES = 20  # sentences about the series of a panel
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
      notes: sentences about how the series was read.
      step, missing, informed, zone: as in `Series`.
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
    zone: str = ""


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
    return panel({"": source}, options)


def panel(sources, options, notes=()):
    """Builds the data set of several series, {name: `Measured`}, that share one network.

    Each is split in time and scaled by its own training part. The first one is the `series` of the data set. `notes`
    are sentences about their source.

    Raises:
      ValueError: as `measured`; the message names the series.
    """
    if options.validation + options.test >= 1:
        raise ValueError(f"data.validation={options.validation} and data.test={options.test} leave nothing to train on")
    if options.season is not None and options.horizon > options.season:
        raise ValueError(
            f"data.horizon={options.horizon} must be at most data.season={options.season}; shorten the "
            "horizon, or give data.season=null"
        )
    parts, datasets, notes = [], [], list(notes)
    for name, source in sources.items():
        try:
            part, sentences = _part(name, source, options)
            datasets.append(_windows(part, options))
        except ValueError as error:
            raise ValueError(f"series {name}: {error}" if name else str(error)) from error
        parts.append(part)
        notes += [f"series {name}: {sentence}" if name else sentence for sentence in sentences]
    dataset, series, shortest = joined(datasets), parts[0].series, min(part.train for part in parts)
    lags = options.lags if options.lags > 1 else max(1, min(_predictors.LAGS, options.window, shortest // 4))
    if options.anchor == "linear":  # a function of one step's inputs only, so that the net can run on a stream
        lags = options.lags
    linear = _predictors.linear([part[:2] for part in parts], lags)
    anchor = {None: None, "last": _predictors.last_value(series), "linear": linear}[options.anchor]
    all_series = tuple(part.series._replace(anchor=anchor) for part in parts)
    return dataset._replace(
        loss=dataset.loss._replace(name=f"{dataset.loss.name}, scaled"),
        baselines=baselines(parts, options, linear),
        metrics=metrics(parts, options.season),
        notes=(*notes[:MAX_NOTES], *([f"{len(notes) - MAX_NOTES} further notes"] if len(notes) > MAX_NOTES else [])),
        series=all_series[0]._replace(panel=all_series if len(all_series) > 1 else ()),
    )


def _part(name, source, options):
    """Returns (`Part`, notes) of one of the series."""
    validation, test = options.validation, options.test
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
        if name:
            raise ValueError("data.series_by: this distribution has one scale for all series; choose another")
        distribution = distribution.scaled(np.tile(series.std, series.horizon))
    series = series.with_naive_error(start, options.season or 1)._replace(distribution=distribution, name=name)
    return Part(series, start, test_start), source.notes


def _windows(part, options):
    """Returns the data set of the windows of one `Part`."""
    series, start, test_start = part
    spans = {"validation": (start, test_start), "test": (test_start, len(series.values))}
    splits = {name: span for name, span in spans.items() if span[0] < span[1]}
    return forecast(series, options.window, start, splits, options.target, history=options.season or 0)


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
        zone=source.zone,
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
