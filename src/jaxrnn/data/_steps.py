"""Rows of a measured series as steps: which are missing between them, and what stands where a value is missing."""

import numpy as np

from jaxrnn import timeline
from jaxrnn.data import _gaps


def evenly(found, options, split):
    """A `Measured` series with its `step`, `missing`, `informed` and `notes`, without gaps.

    Absent rows become steps where a rule says how they are filled; without one the rows are taken as they follow.

    Args:
      found: a `Measured`, NaN where a value is missing.
      options: `Options`.
      split: number of values -> how many of them train.
    """
    spaced = timeline.spacing(found.times, options.frequency)
    found = found._replace(step=spaced.step, notes=(*found.notes, *_holes(found, spaced, options.missing)))
    if spaced.missing and options.missing != "refuse":
        found = _with_absent(found, spaced)
    at, count = _as_numbers(found.times), len(found.values)
    if found.known is not None:
        later = np.arange(1, len(found.known) - len(at) + 1)
        known_at = np.concatenate([at, at[-1] + later * np.median(np.diff(at))]) if len(later) else at
        found = found._replace(known=_gaps.known_ahead(found.known, known_at[: len(found.known)], options.missing))
    columns = found.values if found.past is None else np.concatenate([found.values, found.past], axis=1)
    if not np.isnan(columns).any():
        return found
    labels = (*found.labels, *(f"data.past, column {n + 1}" for n in range(columns.shape[1])))
    filled = _gaps.filled(columns, labels, at[:count], split(count), options.missing)
    width = len(found.labels)
    return found._replace(
        values=filled.values[:, :width],
        past=None if found.past is None else filled.values[:, width:],
        missing=filled.missing[:, :width],
        informed=filled.informed,
        notes=(*found.notes, *_counts(found, filled, options.missing)),
    )


def _holes(found, spaced, rule):
    """Sentences about the steps between rows."""
    times = np.asarray(found.times)
    if spaced.step is None and len(times) > 2:
        apart = times[-1:] - times[:1]
        return [f"{found.time_label}: the times follow no frequency; those after the end are taken to be a median "
                f"difference apart ({len(times)} times in {apart[0]})"]  # fmt: skip
    if not spaced.missing:
        return []
    hole = int(np.argmax(np.diff(spaced.places) > 1))
    fate = "the rows are read as if they followed each other; data.missing=line or previous makes them steps"
    if rule != "refuse":
        fate = "they are filled, and never targets"
    return [f"{found.time_label}: {spaced.missing} of {spaced.places[-1] + 1} steps ({spaced.name}) are missing, the "
            f"first after {times[hole]}: {fate}"]  # fmt: skip


def _with_absent(found, spaced):
    """The series with a row of NaN for every missing step."""
    times = timeline.between(found.times, spaced)
    count, given = int(spaced.places[len(found.values) - 1]) + 1, len(found.times)

    def spread(columns, rows):
        if columns is None:
            return None
        beyond = spaced.places[-1] + np.arange(1, max(len(columns) - given, 0) + 1)
        places = np.concatenate([spaced.places[: len(columns)], beyond])
        wider = np.full((max(rows, places[-1] + 1), columns.shape[1]), np.nan)
        wider[places] = columns
        return wider

    return found._replace(
        values=spread(found.values, count),
        past=spread(found.past, count),
        known=spread(found.known, count),
        times=times,
    )


def _as_numbers(times):
    times = np.asarray(times)
    if not np.issubdtype(times.dtype, np.datetime64):
        return times.astype(float)
    fine = times.astype("datetime64[s]") if np.datetime_data(times.dtype)[0] in ("Y", "M") else times
    return (fine - fine[0]).astype(float)


def _counts(found, filled, rule):
    """Sentences about the values that are filled."""
    for place, label in enumerate(found.labels):
        if count := int(filled.missing[:, place].sum()):
            yield f"{label}: {count} of {len(filled.missing)} values are filled ({filled.rule}); they are never targets"
    if filled.rule != rule:
        yield (f"data.missing={rule}: gaps are filled as by previous, since most values to learn from follow a gap, "
               "and a line to them would tell them")  # fmt: skip
