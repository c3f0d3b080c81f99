"""Published claims, measured here: one paper per file, with `reproduce(quick=False, ...)`, run by
`scripts/reproduce.py`.

A file holds the settings of a paper, its claims, and our measurements of them. Functions that measure or train belong
to the rooms below.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
