"""The exceptions that tell the user in one line what cannot be used, or what could not be written."""


class ConfigError(Exception):
    """A configuration, an argument or a folder cannot be used; the message says in one line what, where, what to do."""


class DiskError(ConfigError):
    """A file could not be written or read; the message names it, the reason and how to go on. What was saved stays."""


class DamagedError(ConfigError):
    """A file is not what was written into it, or not one of ours; the message names it, and the field or the line."""
