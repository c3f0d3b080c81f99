"""Times of a series: the unit that they are counted in, and the calendar as inputs that are known in advance."""

from datetime import datetime

import numpy as np

UNITS = ("Y", "M", "D", "h", "m", "s")  # of numpy's datetime64, the coarsest first
PERIODS = {"year": 365.25 * 86400, "week": 7 * 86400.0, "day": 86400.0}  # seconds


def parsed(texts, format=None, where=lambda row: f"row {row}"):
    """[N] datetime64, in the coarsest unit in which all are whole and, if there is one, evenly spaced, of texts.

    Args:
      texts: [N] texts.
      format: as of `datetime.strptime`; None for ISO 8601.
      where: row -> its place, for the message.

    Raises:
      ValueError: if a text is no time of this format, or a time does not come after the one before; it names the place.
    """
    times = []
    for row, text in enumerate(texts):
        try:
            times.append(
                np.datetime64(text.strip() if format is None else datetime.strptime(text.strip(), format), "s")
            )
        except ValueError as error:
            wanted = "a time in ISO 8601; give data.time_format=..." if format is None else f"a time of {format}"
            raise ValueError(f"{where(row)}: {text!r} is not {wanted}") from error
        if row and times[row] <= times[row - 1]:
            raise ValueError(f"{where(row)}: {text!r} does not come after the time before it; sort the rows by time")
    times = np.array(times, "datetime64[s]")
    units = [coarse for unit in UNITS if ((coarse := times.astype(f"datetime64[{unit}]")) == times).all()]
    even = [coarse for coarse in units if len(set(np.diff(coarse).astype(int))) <= 1]
    return (even or units)[0]


def features(times, parts):
    """[N, 2 n]: sine and cosine of the place in the year, the week, the day."""
    seconds = times.astype("datetime64[s]").astype(float)
    angles = [2 * np.pi * seconds / PERIODS[part] for part in parts]
    return np.stack([f(angle) for angle in angles for f in (np.sin, np.cos)], axis=1)
