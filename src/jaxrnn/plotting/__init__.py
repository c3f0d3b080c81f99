"""Figures: the common style (`style`), and the figures of runs, examples, forecasts and sweeps.

Functions that turn arrays and tables into matplotlib figures belong here; functions that measure do not. All figures
are readable in black and white. The figure of a study is in the study's file.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
