"""Data sets of measured series: scaled by the training part, split in time, with past and future covariates."""

from typing import Any, Literal, NamedTuple

import numpy as np

from jaxrnn.data import _predictors, _steps
from jaxrnn.data._forecast import Target, forecast
from jaxrnn.data._gaps import Missing
from jaxrnn.data._panel import joined
from jaxrnn.data._scaled_series import ConstantError, scaled_series
from jaxrnn.data._series_metrics import Part, baselines, metrics
from jaxrnn.distribution import Distribution
from jaxrnn.distributions import point

MAX_NOTES = 20  # sentences about the series of a panel
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
      past_columns, future_columns: where the covariates stand in a table, as in `Covariates`; empty for an array.
      notes: sentences about how the series was read.
      step, missing, informed, zone: as in `Series`.
    """

    values: np.ndarray
    labels: tuple[str, ...]
    times: np.ndarray
    time_label: str
    past_covariates: np.ndarray | None = None
    future_covariates: np.ndarray | None = None
    past_columns: tuple[tuple[str, str | None], ...] = ()
    future_columns: tuple[tuple[str, str | None], ...] = ()
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
    parts, sentences = _parts(sources, options)
    notes = [*notes, *sentences]
    datasets = [_named(part.series.name, lambda part=part: _windows(part, options)) for part in parts]
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


def _parts(sources, options):
    """Returns the `Part`s of {name: `Measured`}, and sentences about them; constant ones of several are left out."""
    parts, notes, constant = [], [], []
    for name, source in sources.items():
        try:
            part, sentences = _named(name, lambda name=name, source=source: _part(name, source, options))
        except ConstantError:
            constant.append(name)
            if len(constant) == len(sources):
                raise
            continue
        parts.append(part)
        notes += [f"series {name}: {sentence}" if name else sentence for sentence in sentences]
    if constant:
        names = ", ".join(constant[:MAX_NOTES]) + ", ..." * (len(constant) > MAX_NOTES)
        notes.insert(0, f"left out, because the training part is constant: {names}")
    if len(parts) > 1 and parts[0].series.distribution.counts:
        std = np.mean([part.series.std for part in parts], axis=0)
        parts = [part._replace(series=_counted_in(std, part.series)) for part in parts]
    return parts, notes


def _named(name, build):
    """Returns what `build` returns; its ValueError names the series."""
    try:
        return build()
    except ValueError as error:
        kind = ConstantError if isinstance(error, ConstantError) else ValueError
        raise kind(f"series {name}: {error}" if name else str(error)) from error


def _counted_in(std, series):
    """Returns a series of counts in another unit; a distribution of counts has one unit for all series of a panel."""
    distribution = series.distribution.scaled(np.tile(std, series.horizon))
    return series._replace(values=series.in_source_units(series.values) / std, std=std, distribution=distribution)


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
    series = scaled_series(source, options, start, test_start, distribution.counts)
    if distribution.scaled is not None:
        distribution = distribution.scaled(np.tile(series.std, series.horizon))
    series = series.with_naive_error(start, options.season or 1)._replace(distribution=distribution, name=name)
    return Part(series, start, test_start), source.notes


def _windows(part, options):
    """Returns the data set of the windows of one `Part`."""
    series, start, test_start = part
    spans = {"validation": (start, test_start), "test": (test_start, len(series.values))}
    splits = {name: span for name, span in spans.items() if span[0] < span[1]}
    return forecast(series, options.window, start, splits, options.target, history=options.season or 0)
