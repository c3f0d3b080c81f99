"""Measured series: scaled by their training part, split in time, with what is known of past and future beside them."""

import logging
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxrnn import timeline
from jaxrnn.data import _calendar, _predictors, _steps
from jaxrnn.data._forecast import Target, forecast
from jaxrnn.data._gaps import Missing
from jaxrnn.distributions import point
from jaxrnn.distributions._contract import Distribution
from jaxrnn.metrics import coverage, crps, mean_squared_error, scaled_error
from jaxrnn.series import Series
from jaxrnn.types import Batch

LARGEST = 1e30  # what is computed with is float32
Anchor = Literal["last", "linear"]
Calendar = tuple[Literal["year", "week", "day"], ...]


class Measured(NamedTuple):
    """What was measured.

    Fields:
      values: [N, V], in the source's units; NaN where one is missing.
      labels: the names of the V values, with their units.
      times: [N], or [N + F] where later ones are known; numbers or datetime64.
      time_label: the time axis's name.
      past: [N, P], what else is known up to now, or None.
      known: [N + F, Q], what is known in advance, or None.
      notes: sentences about how the source was read.
      step, missing, informed: as in `Series`.
    """

    values: np.ndarray
    labels: tuple[str, ...]
    times: np.ndarray
    time_label: str
    past: np.ndarray | None = None
    known: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    step: Any = None
    missing: np.ndarray | None = None
    informed: np.ndarray | None = None


class Options(NamedTuple):
    """How a measured series is asked for; the data sets' arguments of the same names."""

    window: int
    validation: float = 0.15
    test: float = 0.15
    target: Target = "every"
    horizon: int = 1
    lags: int = 1
    season: int | None = None
    log: bool = False
    calendar: Calendar = ()
    anchor: Anchor | None = None
    distribution: Distribution | None = None
    missing: Missing = "refuse"
    frequency: str | None = None


def measured(found, options):
    """The data set of a `Measured` series under `Options`.

    Raises:
      ValueError: if the shares leave nothing to train on, the window is longer than what they leave, or values do not
        allow for the logarithm or counts that were asked for.
    """
    validation, test = options.validation, options.test
    if validation + test >= 1:
        raise ValueError(f"data.validation={validation} and data.test={test} leave nothing to train on")
    if options.season is not None and options.horizon > options.season:
        raise ValueError(f"data.horizon={options.horizon}: it reaches beyond data.season={options.season}; leave the "
                         "season out, data.season=null")  # fmt: skip
    found = _steps.evenly(found, options, lambda count: round(count * (1 - test - validation)))
    count = len(found.values)
    start, test_start = round(count * (1 - test - validation)), round(count * (1 - test))
    distribution = point.distribution() if options.distribution is None else options.distribution
    if options.season is not None and options.season >= start:
        raise ValueError(f"data.season={options.season} must be shorter than the training part, {start} values; give "
                         "smaller data.validation and data.test")  # fmt: skip
    series = _series(found, options, start, test_start, distribution.counts)
    series = series.with_naive_error(start, options.season or 1)
    if distribution.counts:
        distribution = distribution.scaled(np.tile(series.std, series.horizon))
    spans = {"validation": (start, test_start), "test": (test_start, count)}
    splits = {name: span for name, span in spans.items() if span[0] < span[1]}
    history = options.season or 0
    made = forecast(series, options.window, start, splits, options.target, False, distribution, history)
    lags = options.lags if options.lags > 1 else max(1, min(_predictors.LAGS, options.window, start // 4))
    if options.anchor == "linear":  # of what is read at a step alone, so that it can run on a stream
        lags = options.lags
    linear = _predictors.linear(series, start, lags)
    anchor = {None: None, "last": _predictors.last_value(series), "linear": linear}[options.anchor]
    return made._replace(
        baselines=_baselines(made, start, options, distribution, linear),
        metrics=_metrics(series, distribution, options.season),
        anchor=anchor,
        notes=found.notes,
    )


def _metrics(series, distribution, season):
    found = {
        "mse": mean_squared_error(distribution),
        "mase": scaled_error(series, distribution),
        "crps": crps(series, distribution),
    }
    if np.isnan(series.naive_error).any():
        left_out = ("mase",) if series.log else ("mase", "crps")
        found = {name: metric for name, metric in found.items() if name not in left_out}
        label = series.value_labels[int(np.argmax(np.isnan(series.naive_error)))]
        logging.getLogger(__name__).warning(
            "%s left out: over the training part %s repeats the value data.season=%s steps before exactly, so no error "
            "can be scaled by that forecast's",
            "mase is" if series.log else "mase and crps are",
            label,
            season,
        )
    found |= {"coverage": coverage(distribution)} if distribution.size > 1 else {}
    return found


def _baselines(made, train, options, distribution, linear):
    """{name: Batch -> ys}: each predictor, with the spread of its errors on the training part around its points."""
    series = made.series
    steps = max(options.window, options.season or 0)

    def windows():
        ends = np.arange(min(steps, train // 2), train - series.horizon)
        ends = ends[np.linspace(0, len(ends) - 1, min(len(ends), _predictors.WINDOWS)).astype(int)]
        at = np.maximum(ends - np.arange(steps)[::-1, None], 0)
        xs, targets = (read(at.ravel()).reshape(*at.shape, -1) for read in (series.inputs, series.targets))
        return Batch(jnp.asarray(xs, float), jnp.asarray(targets, float), None, None)

    found = {"last value": _predictors.last_value(series)}
    if options.season is not None:
        found["season before"] = _predictors.season_before(series, options.season)
    found |= {"linear autoregression": linear, "echo state network": _predictors.echo_state(series, windows)}
    return {name: _predictors.spread_around(predict, distribution, windows) for name, predict in found.items()}


def _series(found, options, start, test_start, counts):
    values, labels = np.asarray(found.values, float), found.labels
    known = np.ones(values.shape, bool) if found.missing is None else ~found.missing
    _refuse(np.abs(values) > LARGEST, labels, f"larger than {LARGEST:g} in size, which cannot be scaled")
    if options.log:
        _refuse((values <= 0) | counts, labels, "data.log=true needs values above 0, and no counts")
        values = np.log(values)
    train = np.where(known, values, np.nan)[:start]
    mean, std = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    if counts:
        _refuse(known & ((values < 0) | (values != np.round(values))), labels, "counts are whole numbers from 0 on")
        mean, std = np.zeros_like(mean), np.nanmean(train, axis=0)
    _refuse_scales(values, mean, std, labels)
    return Series(
        (values - mean) / std,
        mean,
        std,
        found.times,
        test_start,
        found.time_label,
        labels,
        log=options.log,
        lags=options.lags,
        past=None if found.past is None else _scaled(found.past, start),
        known=_known(found, options, start),
        horizon=options.horizon,
        step=found.step,
        missing=found.missing,
        informed=found.informed,
    )


def _known(found, options, start):
    """[N + F, Q], the columns known in advance and the calendar, as far as both are known; None for neither."""
    count, parts = len(found.times), []
    if found.known is not None:
        parts.append(_scaled(found.known, start))
        _refuse_answers(found)
    if options.calendar:
        if not np.issubdtype(np.asarray(found.times).dtype, np.datetime64):
            raise ValueError("data.calendar needs dates: name their column, data.time=..., and if they are digits say "
                             "what they mean, data.time_format=...")  # fmt: skip
        times = np.concatenate([found.times, timeline.later(found.times, found.step, count)])
        parts.append(_calendar.features(times, options.calendar))
    shortest = min((len(part) for part in parts), default=0)
    return np.concatenate([part[:shortest] for part in parts], axis=1) if parts else None


def _refuse_answers(found):
    """Refuses a column known in advance that holds the values themselves."""
    for place, column in enumerate(np.asarray(found.known, float)[: len(found.values)].T, 1):
        for values, label in zip(np.asarray(found.values, float).T, found.labels, strict=True):
            if np.array_equal(column, values):
                raise ValueError(f"known column {place} holds the values that are forecast ({label}), so it is not "
                                 "known in advance; leave it out")  # fmt: skip


def _scaled(columns, start):
    columns = np.asarray(columns, float)
    std = columns[:start].std(axis=0)
    return (columns - columns[:start].mean(axis=0)) / np.where(std > 0, std, 1.0)


def _refuse_scales(values, mean, std, labels):
    """Refuses what cannot be scaled: a training part that does not change, or changes so little that the rest would be
    beyond float32."""
    for column, label in enumerate(labels):
        if std[column] <= 1e-12 * max(np.abs(mean[column]), 1 / LARGEST):
            raise ValueError(f"{label}: the training part does not change, so there is nothing to learn")
    _refuse(np.abs(values - mean) > LARGEST * std, labels, "too far from the training part to be scaled as it is")


def _refuse(wrong, labels, rule):
    if wrong.any():
        row, column = np.argwhere(np.broadcast_to(wrong, wrong.shape))[0]
        raise ValueError(f"{labels[column]}, value {row + 1}: {rule}")
