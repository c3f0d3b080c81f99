"""The one exception that means: what the user gave cannot be used."""


class ConfigError(Exception):
    """A configuration, an argument or a folder cannot be used; the message says in one line what, where, what to do."""
