"""The exceptions for errors that the user can correct; each message is one line."""


class ConfigError(Exception):
    """A configuration, an argument or a folder cannot be used; the message names the problem and the remedy."""


class DiskError(ConfigError):
    """A file could not be written or read; the message says why and how to continue. Files saved before stay."""


class DamagedError(ConfigError):
    """A file is damaged or was not written by jaxrnn; the message names the file and the field or the line."""
