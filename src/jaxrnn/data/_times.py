"""Times of a series from texts: dates, numbers that stand for dates, plain numbers."""

import re
from datetime import datetime, timedelta

import numpy as np

from jaxrnn import timeline
from jaxrnn.data._columns import GAPS

UNITS = ("Y", "M", "D", "h", "m", "s", "ms", "us", "ns")  # of numpy's datetime64, the coarsest first
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
OFFSET = re.compile(r"(?<=:\d\d)(\.\d+)?\s*(Z|[+-]\d\d:?\d\d|[+-]\d\d)$")
DIGITS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
YEARS = (1500, 2200)  # of digits that are read as dates
COUNTED = {  # name: (first moment, its unit, the numbers that are plainly meant so: years 1973 to 2100, or none)
    "unix_s": ("1970-01-01", "s", (1e8, 4.1e9)),
    "unix_ms": ("1970-01-01", "ms", (1e11, 4.1e12)),
    "unix_us": ("1970-01-01", "us", (1e14, 4.1e15)),
    "unix_ns": ("1970-01-01", "ns", (1e17, 4.1e18)),
    "excel": ("1899-12-30", "D", None),
}
PLAIN = "number"


def read(texts, format=None, where=lambda row: f"row {row + 1}"):
    """(times [N], note): datetime64 in the coarsest unit in which all are whole and, if there is one, evenly spaced; or
    numbers. The note says how digits were read, or is None.

    Args:
      texts: [N] texts.
      format: as of `datetime.strptime`, a name of `COUNTED`, or "number"; None for ISO 8601, or digits of one plain
        meaning.
      where: row -> its place, for messages.

    Raises:
      ValueError: if a time is missing or not of this format, or does not come after the one before; it names the place.
    """
    texts, note = [text.strip() for text in texts], None
    for row, text in enumerate(texts):
        if text.lower() in GAPS | {"nat"}:
            raise ValueError(f"{where(row)}: the time is missing; fill it in, or leave the row out")
    if format is None and all(map(NUMBER.fullmatch, texts)):
        format, note = _meaning(texts)
    if format == PLAIN:
        times = _numbers(texts, where)
    elif format in COUNTED:
        times = _counted(_numbers(texts, where), *COUNTED[format][:2])
    else:
        times, note = _dates(texts, format, where, note)
    _check_rising(times, texts, where)
    return _coarsest(times) if np.issubdtype(times.dtype, np.datetime64) else times, note


def _meaning(texts):
    """(format, note) of texts that are all numbers: what digits plainly mean, or "number"."""
    lengths = {len(text) for text in texts}
    if len(lengths) == 1 and all(text.isdigit() for text in texts) and (format := DIGITS.get(lengths.pop())):
        try:
            times = [datetime.strptime(text, format) for text in texts]
        except ValueError:
            times = []
        if times and all(YEARS[0] <= time.year <= YEARS[1] for time in times):
            return format, f"read as dates ({format}), {times[0]:%Y-%m-%d} first; time_format=number reads numbers"
    values = np.array(texts, float)
    for name, (_, _, plain) in COUNTED.items():
        if plain is not None and (plain[0] <= values).all() and (values <= plain[1]).all():
            first = _counted(values[:1], *COUNTED[name][:2])[0].astype("datetime64[D]")
            return name, f"read as dates ({name}), {first} first; time_format=number reads numbers"
    return PLAIN, "read as numbers, not as dates; time_format=... says what they mean (excel, unix_s, %Y%m%d, ...)"


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
    """Numbers of a unit since a moment as datetime64, fractions kept."""
    finer = {"D": ("s", 86400), "s": ("us", 10**6), "ms": ("us", 10**3), "us": ("ns", 10**3)}
    if np.issubdtype(values.dtype, np.integer):
        return np.datetime64(first, unit) + values.astype(f"timedelta64[{unit}]")
    unit, factor = finer.get(unit, ("ns", 1))
    return np.datetime64(first, unit) + np.round(values * factor).astype(f"timedelta64[{unit}]")


def _dates(texts, format, where, note):
    """(datetime64 [N], note) of dates in ISO 8601 or of a format."""
    moments, offsets = [], []
    for row, text in enumerate(texts):
        try:
            moment, offset = _moment(text) if format is None else _of_format(text, format)
        except ValueError as error:
            wanted = "a time in ISO 8601; give data.time_format=..." if format is None else f"a time of {format}"
            raise ValueError(f"{where(row)}: {text!r} is not {wanted}") from error
        if offsets and (offset is None) != (offsets[0] is None):
            raise ValueError(f"{where(row)}: {text!r}: some times have an offset from UTC and some have none")
        moments.append(moment)
        offsets.append(offset)
    times = np.array(moments)
    if len(set(offsets)) < 2:
        return times, note
    shifted = times - np.array([offset - offsets[0] for offset in offsets], "timedelta64[s]")
    if _missing(times) <= _missing(shifted):
        return times, note  # of the clock on the wall, as days that begin at midnight in summer too
    return shifted, f"the offsets from UTC differ: all times are counted at that of the first, {texts[0]}"


def _moment(text):
    """(datetime64, seconds from UTC or None) of a text in ISO 8601."""
    found, offset = OFFSET.search(text), None
    if found:
        text = text[: found.start(2)].rstrip()
        offset = datetime.strptime(found[2] + ":00" * (len(found[2]) == 3), "%z").utcoffset().total_seconds()
    if not re.match(r"[+-]?\d{4,}(-|$)", text):  # numpy knows words such as today
        raise ValueError(text)
    digits = len(text.partition(".")[2])
    return np.datetime64(text, "s" if not digits else "us" if digits <= 6 else "ns"), offset and int(offset)


def _of_format(text, format):
    found = datetime.strptime(text, format)
    offset = found.utcoffset()
    return np.datetime64(found.replace(tzinfo=None), "us"), None if offset is None else offset // timedelta(seconds=1)


def _missing(times):
    """How many steps are missing among times; infinitely many where they do not rise by a frequency."""
    if not (np.diff(times).astype(int) > 0).all():
        return np.inf
    spaced = timeline.spacing(times)
    return np.inf if spaced.step is None else spaced.missing


def _check_rising(times, texts, where):
    wrong = np.flatnonzero(times[1:] <= times[:-1])
    if not wrong.size:
        return
    row = int(wrong[0]) + 1
    first = {}
    for place, time in enumerate(times.tolist()):
        if time in first:
            raise ValueError(f"{where(place)}: {texts[place]!r} occurs again, first in {where(first[time])}: a series "
                             "has one row per time; keep one of them, or the rows of one series")  # fmt: skip
        first[time] = place
    raise ValueError(f"{where(row)}: {texts[row]!r} does not come after the time before it; sort the rows by time")


def _coarsest(times):
    units = [coarse for unit in UNITS if ((coarse := times.astype(f"datetime64[{unit}]")) == times).all()]
    even = [coarse for coarse in units if len(set(np.diff(coarse).astype(int).tolist())) <= 1]
    return (even or units)[0]
