"""Trains one run per value of the keys with several values: `jaxrnn train -m`."""

from jaxrnn.commands import train


def start(arguments):
    """Trains a sweep. An interrupted sweep is resumed in its folder."""
    train.start(["-m", *arguments])
