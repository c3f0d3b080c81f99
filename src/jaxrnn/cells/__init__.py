"""Recurrent cells, one per file: `jaxrnn.cells.NAME.cell(size, ...)`.

Cells belong here. Unrolling in time (`unroll`), stacking (`nets`) and training (`training`) do not. Files with a
leading underscore hold code that cells share:

  _step: the product with the recurrent weights, and gates activated as one block.
  _linear: the step of cells whose state is a linear function of the previous state.
  _norm: layer normalisation.
  _dropout: masks on the recurrence.
  _transforms, _zoneout: functions from a cell to another cell.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
