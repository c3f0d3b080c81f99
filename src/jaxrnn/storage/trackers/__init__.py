"""Experiment trackers: one file per tracker, and `tracker`, their contract. Each is imported only if a run uses it."""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
