"""Published claims, measured here: one paper a file, `reproduce(quick=False, ...)`, run by `scripts/reproduce.py`.

What belongs here: the settings of a paper, what it claims, and the measurement beside it. How a thing is measured or
trained belongs to the rooms below.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
