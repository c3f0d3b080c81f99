"""Batches: input sequences and their targets."""

from typing import Any, NamedTuple


class Pair(NamedTuple):
    """Input of an encoder-decoder.

    Fields:
      source: [S, B, D], the sequence that the encoder reads.
      targets: [T, B, K], the true outputs for teacher forcing; symbols [T, B, 1] if the outputs are logits.
      mask: [T, B], true at the valid steps of the targets; None if all are valid.
    """

    source: Any
    targets: Any
    mask: Any = None


class Batch(NamedTuple):
    """B sequences with their targets.

    Fields:
      xs: the inputs, one of three kinds:
        - an array [T, B, D];
        - a `Pair`, if the answer has a length of its own; T is then the length of the answer;
        - the `jaxrnn.windows.Windows` of a series; T is then 1, for the last step of each window.
      targets: values [T, B, K] or symbols [T, B, 1]. -1 stands for a symbol that is not among the outputs, NaN for an
        unknown value of a series.
      weights: [T, B], the weight of each step in the loss; zero for a warm-up, for padding, and for all but the last
        step of a many-to-one task.
      fresh: [B], true for a sequence that begins in this batch, false for one that continues from the batch before.
      mask: [T, B], true at the valid steps of the inputs, [S, B] for the source of a `Pair`; None if all are valid.
      reset: [T, B], true at the steps before which the carry returns to its initial value; None for none.
    """

    xs: Any
    targets: Any
    weights: Any
    fresh: Any
    mask: Any = None
    reset: Any = None
