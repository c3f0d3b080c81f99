"""Unrolls, one per file: `jaxrnn.unroll.NAME.unroll(...)` returns a function that applies a cell step by step.

Every unroll has the signature `(cell, params, carry, xs, *, mask=None, reset=None, reverse=False) -> (carry, ys)`:

  cell: a `Cell`; close over it, never pass it through `jit`.
  params: the cell's params.
  carry: the carry before the first step, leaves [B, ...]. It keeps its dtype.
  xs: inputs [T, B, D]. B stands for any number of batch axes, including none.
  mask: valid steps [T, B], in any pattern. At other steps the carry is kept, the output is zero, and no value of the
    inputs reaches a gradient, not even NaN.
  reset: [T, B], true at the first step of a segment; the carry returns to its initial value before that step.
  reverse: run from the last step to the first. ys stay in the order of xs. The carry then returns to its initial value
    before the last step of a segment, which a reversed run meets first.

An unroll that draws random numbers is a `contract.RandomUnroll`: a layer gives it one PRNG key per sequence.

All unrolls return the same values. `truncated` and the forward gradients (`_online`) have other gradients on purpose.
`loop` is the specification, and a test compares every unroll with it.
Cells, layers and losses do not belong here. Files without the factory `unroll` hold code that unrolls share: `contract`
(masks, resets, keys), `cell_derivatives`, and `online_step` (single steps of a forward gradient).
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
