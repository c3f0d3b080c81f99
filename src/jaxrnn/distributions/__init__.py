"""What a network's outputs say of a value to come: a point, or a distribution. One distribution a file.

Here belong factories of a `Distribution`; the data sets of series take one, `data/distribution=gaussian`.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
