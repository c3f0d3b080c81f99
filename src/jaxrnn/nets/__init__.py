"""Nets: from a cell to a sequence (`recurrent`, `rnn`), from nets to nets, and the ways to use one (`decode`).

What maps a sequence [T, B, D] to a sequence [T, B, K] belongs here; one step (`cells`), how steps follow on each other
(`unroll`), losses and training do not. The names are loaded when first used.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
