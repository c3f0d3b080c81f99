"""Formats dates and times for log lines, lock files and captions. It works for any value of the system clock.

Durations are never computed from these times: they are measured with the monotonic clock.
"""

import logging
import time

FORMAT = "%Y-%m-%d %H:%M:%S"


def stamp(form=FORMAT, seconds=None):
    """Formats a time as local time.

    Args:
      form: a format for `time.strftime`.
      seconds: seconds since 1970. None means now.
    """
    seconds = time.time() if seconds is None else seconds
    try:
        return time.strftime(form, time.localtime(seconds))
    except (OverflowError, OSError, ValueError):  # the system has no date for this time
        return f"{seconds:.0f} s since 1970"


class Formatter(logging.Formatter):
    """Formats log lines for any value of the clock. The standard formatter prints a stack trace for invalid times."""

    def formatTime(self, record, datefmt=None):
        return stamp(datefmt or FORMAT, record.created)
