"""Nets: from a cell to a sequence (`recurrent`, `rnn`), from nets to nets, and the ways to use one (`decode`).

What maps a sequence [T, B, D] to a sequence [T, B, K] belongs here; one step (`cells`), how steps follow on each other
(`unroll`), losses and training do not. The names are loaded when first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
