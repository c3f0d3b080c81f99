"""Recurrent cells, one per file: `jaxrnn.cells.NAME.cell(size, ...)`.

Cells belong here. Unrolling in time (`unroll`), stacking (`nets`) and training (`training`) do not. Files
without the factory `cell` hold code that cells share:

  step: the product with a weight, and gates activated as one block.
  structure: what unrolls and layers may ask about a cell, such as whether its state is linear in the previous state.
  dropout: masks on the recurrence.
  transforms, zoneout: functions from a cell to another cell.
  _norm: layer normalisation.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
