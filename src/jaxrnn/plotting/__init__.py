"""Figures: one style (`style`), the figures of a run (`runs`) and those of a sweep (`sweeps`).

Functions from arrays and tables to matplotlib figures belong here, readable in black and white; what is measured does
not. A study's figure stands beside the study.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
