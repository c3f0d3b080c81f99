"""The exceptions for errors that the user can correct; each message is one line."""

import traceback


class ConfigError(Exception):
    """A configuration, an argument or a folder cannot be used; the message names the problem and the remedy."""


class DiskError(ConfigError):
    """A file could not be written or read; the message says why and how to continue. Files saved before stay."""


class DamagedError(ConfigError):
    """A file is damaged or was not written by jaxrnn; the message names the file and the field or the line."""


def last_line(error, file):
    """Returns ", line N of FILE" for the last line of a file in the traceback of an error, or an empty string."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f", line {lines[-1]} of {file}" if lines else ""
