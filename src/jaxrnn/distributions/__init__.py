"""Output distributions: the forecast of a future value as a point or a distribution, one per file.

Factories `distribution(...)`, which return a `Distribution`, belong here. The data sets of series take one, for example
with `data/distribution=gaussian`.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
