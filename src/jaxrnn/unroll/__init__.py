"""Ways through time, one a file: `jaxrnn.unroll.NAME.unroll(...)` returns a function that unrolls a cell.

Such a function has the signature `(cell, params, carry, xs, *, mask=None, reset=None, reverse=False) -> (carry, ys)`:

  cell: a `Cell`; close over it, never pass it through `jit`.
  params: the cell's params.
  carry: the carry before the first step, leaves [B, ...]; it keeps its dtype throughout.
  xs: inputs [T, B, D]; any number of batch axes B, also none.
  mask: valid steps [T, B]. Where false the carry is kept, the output is zero, and nothing there reaches a gradient,
    NaN included. Any pattern, also no valid step at all.
  reset: [T, B], the steps before which the carry returns to its initial value: where a new segment begins.
  reverse: run from the last step to the first; ys stay in the order of xs, and a segment's last step, which a
    reversed run meets first, is where the carry returns to its initial value.

The values never differ between unrolls; the gradient of `truncated` does, which is what it is for. `loop` is their
specification: one test holds every file of this room to it. A cell, a layer or a loss does not belong here; what the
unrolls share is in `_contract`.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
