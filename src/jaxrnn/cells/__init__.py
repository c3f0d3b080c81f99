"""Recurrent cells, one a file: `jaxrnn.cells.NAME.cell(size, ...)`.

A cell belongs here; how it is unrolled in time (`unroll`), stacked (`nets`) or trained (`training`) does not. What
the cells share is in files with a leading underscore: `_step` (the product with the recurrent weights, gates as one
block), `_dropout` (masks on the recurrence), `_transforms` (from a cell to another cell).
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
