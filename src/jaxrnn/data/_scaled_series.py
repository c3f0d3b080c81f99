"""Scales a measured series, its covariates and its calendar by the training part."""

import numpy as np

from jaxrnn import timeline
from jaxrnn.covariates import Covariates
from jaxrnn.scales import Scale
from jaxrnn.series import Series

LARGEST = 1e30  # well inside the range of float32, which ends at 3.4e38


class ConstantError(ValueError):
    """A series whose training part is constant."""


def scaled_series(source, options, start, test_start, counts):
    """Returns the scaled `Series`; its first `start` values set the scale.

    Args:
      source, options: a `Measured` and the `Options` of its data set.
      start, test_start: number of values before the validation part, and before the test part.
      counts: whether the values are counts, which keep their zero.

    Raises:
      ConstantError: if the training part is constant.
      ValueError: if a value does not suit the logarithm, the counts or the range of float32.
    """
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
    past = _covariates(source.past_covariates, source.past_columns, "past", start)
    future = _covariates(source.future_covariates, source.future_columns, "future", start)
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
        past_covariates=None if past is None else past.scale.scaled(np.asarray(source.past_covariates, float)),
        future_covariates=_known(source, options, future),
        past_inputs=past,
        future_inputs=future,
        calendar=options.calendar,
        horizon=options.horizon,
        step=source.step,
        missing=source.missing,
        informed=source.informed,
        zone=source.zone,
    )


def _known(source, options, future):
    """Returns [N + F, Q]: the columns known in advance and the calendar, cut to the shorter; None for neither."""
    count, parts = len(source.times), []
    if source.future_covariates is not None:
        parts.append(future.scale.scaled(np.asarray(source.future_covariates, float)))
        _refuse_answers(source)
    if options.calendar:
        if not np.issubdtype(np.asarray(source.times).dtype, np.datetime64):
            raise ValueError(
                "data.calendar requires dates: name their column with data.time=..., and give "
                "data.time_format=... if they are plain digits"
            )
        times = np.concatenate([source.times, timeline.later(source.times, source.step, count)])
        parts.append(timeline.calendar(times, options.calendar))
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


def _covariates(values, columns, key, start):
    """Returns the `Covariates` of values [N, P], scaled by their first `start` rows; None for no values."""
    if values is None:
        return None
    values = np.asarray(values, float)
    mean, std = values[:start].mean(axis=0), values[:start].std(axis=0)
    names = columns or [(f"{key} covariate {number + 1}", None) for number in range(values.shape[1])]
    return Covariates(tuple(names), Scale(mean, np.where(std > 0, std, 1.0)))


def _refuse_scales(values, mean, std, labels):
    """Raises ValueError if the training part is constant, or varies so little that other values would overflow."""
    for column, label in enumerate(labels):
        if std[column] <= 1e-12 * max(np.abs(mean[column]), 1 / LARGEST):
            raise ConstantError(f"{label}: the training part is constant, so there is nothing to learn")
    _refuse(np.abs(values - mean) > LARGEST * std, labels, "too far from the training part to be scaled with it")


def _refuse(wrong, labels, rule):
    """Raises ValueError that names the first value marked as wrong."""
    if wrong.any():
        row, column = np.argwhere(np.broadcast_to(wrong, wrong.shape))[0]
        raise ValueError(f"{labels[column]}, value {row + 1}: {rule}")
