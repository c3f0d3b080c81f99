"""Nets map a sequence [T, B, D] to a sequence [T, B, K].

This subpackage makes nets from cells (`recurrent`, `rnn`) and from other nets, and runs them step by step (`decode`).
Single steps are in `cells`, loops over time in `unroll`. The names are loaded when first used.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
