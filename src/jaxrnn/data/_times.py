"""Parses the times of a series: dates, numbers that stand for dates, and plain numbers."""

import re
from datetime import datetime, timedelta

import numpy as np

from jaxrnn import hints, timeline
from jaxrnn.data._columns import GAPS

UNITS = ("Y", "M", "D", "h", "m", "s", "ms", "us", "ns")  # numpy's datetime64 units, the coarsest first
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
OFFSET = re.compile(r"(?<=:\d\d)(\.\d+)?\s*(Z|[+-]\d\d:?\d\d|[+-]\d\d)$")
DIGITS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
YEARS = (1500, 2200)  # range in which digits are read as dates
COUNTED = {  # name: (time of zero, unit, numbers recognised without a format: years 1973 to 2100, or None)
    "unix_s": ("1970-01-01", "s", (1e8, 4.1e9)),
    "unix_ms": ("1970-01-01", "ms", (1e11, 4.1e12)),
    "unix_us": ("1970-01-01", "us", (1e14, 4.1e15)),
    "unix_ns": ("1970-01-01", "ns", (1e17, 4.1e18)),
    "excel": ("1899-12-30", "D", None),
}
PLAIN = "number"
DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y",
        "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%b %d, %Y", "%b %Y", "%B %Y", "%b-%y", "%m/%Y",
        "%m.%Y")  # fmt: skip
HOURS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def read(texts, format=None, where=lambda row: f"row {row + 1}", series_column=lambda: None):
    """Parses times and returns (times [N], note).

    Dates become datetime64 in the coarsest unit that represents all of them exactly. A unit in which they are evenly
    spaced is preferred. Plain numbers stay numbers. The note tells how digits or UTC offsets were read, or is None.

    Args:
      texts: [N] strings.
      format: a format of `datetime.strptime`, a name of `COUNTED`, or "number"; None for ISO 8601 dates, or
        other dates and digits with one obvious meaning.
      where: row -> a description of its position, for messages.
      series_column: () -> the name of the column that tells several series apart, for messages, or None.

    Raises:
      ValueError: if a time is missing, has another format, or is not later than the one before. The message names its
        position.
    """
    texts = [text.strip() for text in texts]
    format, note = resolve(texts, format, where)
    if format == PLAIN:
        times = _numbers(texts, where)
    elif format in COUNTED:
        times = _counted(_numbers(texts, where), *COUNTED[format][:2])
    else:
        times, note = _dates(texts, format, where, note)
    _check_rising(times, texts, where, series_column)
    return _coarsest(times) if np.issubdtype(times.dtype, np.datetime64) else times, note


def resolve(texts, format, where, groups=None):
    """Returns (format, note): the given format, or the only one that fits; None for ISO 8601.

    Args:
      texts: [N] strings.
      format, where: as in `read`.
      groups: the row numbers of each series; None for one series.

    Raises:
      ValueError: if a time is missing, or two formats fit.
    """
    for row, text in enumerate(texts):
        if text.lower() in GAPS | {"nat"}:
            raise ValueError(f"{where(row)}: the time is missing; fill it in, or leave the row out")
    if format is not None:
        return format, None
    if all(map(NUMBER.fullmatch, texts)):
        return _meaning(texts)
    return _guessed(texts, where, [range(len(texts))] if groups is None else groups)


def _meaning(texts):
    """Returns (format, note) of texts that are all numbers: the obvious meaning of the digits, or "number"."""
    lengths = {len(text) for text in texts}
    if len(lengths) == 1 and all(text.isdigit() for text in texts) and (format := DIGITS.get(lengths.pop())):
        try:
            times = [datetime.strptime(text, format) for text in texts]
        except ValueError:
            times = []
        if times and all(YEARS[0] <= time.year <= YEARS[1] for time in times):
            return format, f"read as dates ({format}), {times[0]:%Y-%m-%d} first; time_format=number reads numbers"
    values = np.array(texts, float)
    for name, (_, _, limits) in COUNTED.items():
        if limits is not None and (limits[0] <= values).all() and (values <= limits[1]).all():
            first = _counted(values[:1], *COUNTED[name][:2])[0].astype("datetime64[D]")
            return name, f"read as dates ({name}), {first} first; time_format=number reads numbers"
    return PLAIN, "read as numbers, not as dates; for dates give time_format=... (excel, unix_s, %Y%m%d, ...)"


def _guessed(texts, where, groups):
    """Returns (format, note) of dates that are not ISO 8601: the only format that fits them; (None, None) for none.

    Raises:
      ValueError: if the texts are different dates in two formats, such as 01/02/2024.
    """
    try:
        return _moment(texts[0]) and (None, None)
    except ValueError:
        pass
    formats = [day + hour for day in DAYS for hour in HOURS if _parsed(texts[:1], day + hour) is not None]
    times_by_format = {format: times for format in formats if (times := _parsed(texts, format)) is not None}
    if not times_by_format:
        return None, None
    rising = [format for format, times in times_by_format.items()
              if all((np.diff(times[rows]).astype(int) > 0).all() for rows in groups)]  # fmt: skip
    first, *others = rising or times_by_format
    times = times_by_format[first]
    for other in others:
        if (differs := times != times_by_format[other]).any():
            row = int(np.argmax(differs))
            raise ValueError(
                f"{where(row)}: {texts[row]!r} may be {first} or {other}; give "
                f"{hints.argument('data.time_format', first)} or {hints.argument('data.time_format', other)}"
            )
    return first, f"read as dates ({first}), {times[0].astype('datetime64[D]')} first"


def _parsed(texts, format):
    """Returns the dates of a format, datetime64 [N]; None if pandas cannot read all of them."""
    import pandas  # imported here: it takes half a second

    times = pandas.to_datetime(texts, format=format, errors="coerce")
    return None if times.isna().any() or times.tz is not None else times.to_numpy()


def _numbers(texts, where):
    values = np.empty(len(texts))
    for row, text in enumerate(texts):
        if not NUMBER.fullmatch(text) or not np.isfinite(float(text)):
            raise ValueError(f"{where(row)}: {text!r} is not a finite number; give another data.time_format")
        values[row] = float(text)
    if np.abs(values).max() < 2**62 and all(re.fullmatch(r"[+-]?\d+", text) for text in texts):
        return np.array([int(text) for text in texts])
    return values


def _counted(values, first, unit):
    """Converts numbers of units since a moment to datetime64, with their fractions."""
    finer = {"D": ("s", 86400), "s": ("us", 10**6), "ms": ("us", 10**3), "us": ("ns", 10**3)}
    if np.issubdtype(values.dtype, np.integer):
        return np.datetime64(first, unit) + values.astype(f"timedelta64[{unit}]")
    unit, factor = finer.get(unit, ("ns", 1))
    return np.datetime64(first, unit) + np.round(values * factor).astype(f"timedelta64[{unit}]")


def _dates(texts, format, where, note):
    """Parses dates in ISO 8601 or another format; returns (datetime64 [N], note)."""
    if format is not None and "%z" not in format and (times := _parsed(texts, format)) is not None:
        return times.astype("datetime64[us]"), note
    moments, offsets = [], []
    for row, text in enumerate(texts):
        try:
            moment, offset = _moment(text) if format is None else _of_format(text, format)
        except ValueError as error:
            expected = "a time in ISO 8601; give data.time_format=..." if format is None else f"a time of {format}"
            raise ValueError(f"{where(row)}: {text!r} is not {expected}") from error
        if offsets and (offset is None) != (offsets[0] is None):
            raise ValueError(f"{where(row)}: {text!r}: all times, or none, must have an offset from UTC")
        moments.append(moment)
        offsets.append(offset)
    times = np.array(moments)
    if len(set(offsets)) < 2:
        return times, note
    shifted = times - np.array([offset - offsets[0] for offset in offsets], "timedelta64[s]")
    if _missing(times) <= _missing(shifted):
        return times, note  # local times, such as days that begin at midnight in summer and in winter
    return shifted, f"the offsets from UTC differ: all times are converted to the offset of the first, {texts[0]}"


def _moment(text):
    """Parses a time in ISO 8601; returns (datetime64, seconds from UTC or None)."""
    match, offset = OFFSET.search(text), None
    if match:
        text = text[: match.start(2)].rstrip()
        zone = datetime.strptime(match[2] + ":00" * (len(match[2]) == 3), "%z").utcoffset() or timedelta(0)
        offset = zone.total_seconds()
    if not re.match(r"[+-]?\d{4,}(-|$)", text):  # numpy also accepts words such as "today"
        raise ValueError(text)
    digits = len(text.partition(".")[2])
    return np.datetime64(text, "s" if not digits else "us" if digits <= 6 else "ns"), offset and int(offset)


def _of_format(text, format):
    moment = datetime.strptime(text, format)
    offset = moment.utcoffset()
    return np.datetime64(moment.replace(tzinfo=None), "us"), None if offset is None else offset // timedelta(seconds=1)


def zone(text, times):
    """Returns the offset from UTC at the end of the first time's text; empty if there is none, or times are days."""
    match = OFFSET.search(text.strip())
    is_daily = not np.issubdtype(times.dtype, np.datetime64) or np.datetime_data(times.dtype)[0] in UNITS[:3]
    return "" if match is None or is_daily else match[2]


def _missing(times):
    """Counts the steps that are missing between times; infinity if the times do not follow a frequency."""
    if not (np.diff(times).astype(int) > 0).all():
        return np.inf
    spaced = timeline.spacing(times)
    return np.inf if spaced.step is None else spaced.missing


def _check_rising(times, texts, where, series_column):
    not_rising = np.flatnonzero(times[1:] <= times[:-1])
    if not not_rising.size:
        return
    first = {}
    for row, time in enumerate(times.tolist()):
        if time in first:
            column = series_column()
            advice = "the rows of one series"
            if column is not None:
                option = hints.argument("data.series_by", column)
                advice = f"the rows with one value of the column {column!r}, or give {option}"
            raise ValueError(
                f"{where(row)}: {texts[row]!r} occurs again, first in {where(first[time])}: a series has "
                f"one row per time; keep one of them, or {advice}"
            )
        first[time] = row
    row = int(not_rising[0]) + 1
    raise ValueError(f"{where(row)}: {texts[row]!r} is not later than the time before it; sort the rows by time")


def _coarsest(times):
    units = [coarse for unit in UNITS if ((coarse := times.astype(f"datetime64[{unit}]")) == times).all()]
    even = [coarse for coarse in units if len(set(np.diff(coarse).astype(int).tolist())) <= 1]
    return (even or units)[0]
