"""Dates and times for people to read, in log lines, lock files and captions, whatever the clock says.

What takes how long is measured by the monotonic clock, which nobody sets.
"""

import logging
import time

FORMAT = "%Y-%m-%d %H:%M:%S"


def stamp(form=FORMAT, seconds=None):
    """A time in words.

    Args:
      form: as of `time.strftime`.
      seconds: since 1970; None for now.
    """
    seconds = time.time() if seconds is None else seconds
    try:
        return time.strftime(form, time.localtime(seconds))
    except (OverflowError, OSError, ValueError):  # the clock is beyond what the system has dates for
        return f"{seconds:.0f} s since 1970"


class Formatter(logging.Formatter):
    """Formats log lines whatever the clock says; logging's own prints a stack trace for each."""

    def formatTime(self, record, datefmt=None):
        return stamp(datefmt or FORMAT, record.created)
