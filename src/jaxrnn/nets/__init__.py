"""Nets map a sequence [T, B, D] to a sequence [T, B, K].

Functions belong here if they make nets from cells (`recurrent`, `rnn`) or from other nets, or run nets step by step
(`decode`). Single steps belong in `cells`, loops over time in `unroll`. The names are loaded when first used.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
