"""Turns the rows of a measured series into evenly spaced steps, and fills its gaps."""

import numpy as np

from jaxrnn import timeline
from jaxrnn.data import _gaps


def space_evenly(source, options, split):
    """Fills a `Measured` series and sets its `step`, `missing`, `informed` and `notes`.

    If a rule for gaps is given, absent rows become steps. Otherwise the rows count as consecutive steps.

    Args:
      source: a `Measured`, with NaN for a missing value.
      options: `Options`.
      split: the number of values -> the number of training values.
    """
    spaced = timeline.spacing(source.times, options.frequency)
    source = source._replace(step=spaced.step, notes=(*source.notes, *_holes(source, spaced, options.missing)))
    if spaced.missing and options.missing != "error":
        source = _with_absent(source, spaced)
    times, count = _as_numbers(source.times), len(source.values)
    if source.future_covariates is not None:
        later = np.arange(1, len(source.future_covariates) - len(times) + 1)
        known_times = np.concatenate([times, times[-1] + later * np.median(np.diff(times))]) if len(later) else times
        future_covariates = _gaps.known_ahead(
            source.future_covariates, known_times[: len(source.future_covariates)], options.missing
        )
        source = source._replace(future_covariates=future_covariates)
    columns = (
        source.values
        if source.past_covariates is None
        else np.concatenate([source.values, source.past_covariates], axis=1)
    )
    if not np.isnan(columns).any():
        return source
    labels = (*source.labels, *(f"data.past_covariates, column {n + 1}" for n in range(columns.shape[1])))
    filled = _gaps.fill_past(columns, labels, times[:count], split(count), options.missing)
    width = len(source.labels)
    return source._replace(
        values=filled.values[:, :width],
        past_covariates=None if source.past_covariates is None else filled.values[:, width:],
        missing=filled.missing[:, :width],
        informed=filled.informed,
        notes=(*source.notes, *_counts(source, filled, options.missing)),
    )


def _holes(source, spaced, rule):
    """Returns sentences about steps that are missing between rows."""
    times = np.asarray(source.times)
    if spaced.step is None and len(times) > 2:
        duration = times[-1:] - times[:1]
        return [
            f"{source.time_label}: the times follow no frequency ({len(times)} times in {duration[0]}); times "
            "after the end are spaced by the median difference"
        ]
    if not spaced.missing:
        return []
    hole = int(np.argmax(np.diff(spaced.places) > 1))
    fate = "the rows count as consecutive; data.missing=interpolate or forward_fill turns the missing rows into steps"
    if rule != "error":
        fate = "they are filled, and never targets"
    return [
        f"{source.time_label}: {spaced.missing} of {spaced.places[-1] + 1} steps ({spaced.name}) are missing, the "
        f"first after {times[hole]}: {fate}"
    ]


def _with_absent(source, spaced):
    """Returns the series with a row of NaN for every missing step."""
    times = timeline.between(source.times, spaced)
    count, time_count = int(spaced.places[len(source.values) - 1]) + 1, len(source.times)

    def spread(columns, rows):
        if columns is None:
            return None
        beyond = spaced.places[-1] + np.arange(1, max(len(columns) - time_count, 0) + 1)
        steps = np.concatenate([spaced.places[: len(columns)], beyond])
        wider = np.full((max(rows, steps[-1] + 1), columns.shape[1]), np.nan)
        wider[steps] = columns
        return wider

    return source._replace(
        values=spread(source.values, count),
        past_covariates=spread(source.past_covariates, count),
        future_covariates=spread(source.future_covariates, count),
        times=times,
    )


def _as_numbers(times):
    times = np.asarray(times)
    if not np.issubdtype(times.dtype, np.datetime64):
        return times.astype(float)
    fine = times.astype("datetime64[s]") if np.datetime_data(times.dtype)[0] in ("Y", "M") else times
    return (fine - fine[0]).astype(float)


def _counts(source, filled, rule):
    """Yields sentences about the values that are filled."""
    for index, label in enumerate(source.labels):
        if count := int(filled.missing[:, index].sum()):
            yield f"{label}: {count} of {len(filled.missing)} values are filled ({filled.rule}); they are never targets"
    if filled.rule != rule:
        yield (
            f"data.missing={rule}: gaps are filled as with forward_fill, because most targets follow a gap and "
            "interpolation would give them away"
        )
