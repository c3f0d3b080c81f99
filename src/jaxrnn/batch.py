"""Sequences and what is asked of them."""

from typing import Any, NamedTuple


class Pair(NamedTuple):
    """What an encoder-decoder reads.

    Fields:
      source: [S, B, D], read by the encoder.
      targets: [T, B, K], the true outputs, to teach the decoder with; symbols [T, B, 1] where the outputs are logits.
      mask: valid steps of the targets [T, B], or None for all.
    """

    source: Any
    targets: Any
    mask: Any = None


class Batch(NamedTuple):
    """B sequences with what is asked of them.

    Fields:
      xs: inputs [T, B, D]; a `Pair` where the answer has a length of its own, and T is the answer's; the
        `jaxrnn.windows.Windows` of a series, and T is 1: the last step of each.
      targets: [T, B, K], or the numbers of symbols [T, B, 1]; -1 for a symbol that the outputs do not have, NaN for a
        value of a series that is not known.
      weights: [T, B], how much each step counts in the loss; zero for a washout, for padding, for all steps but the
        last of a many-to-one task.
      fresh: [B], true for a sequence that begins here; false where it goes on from the batch before.
      mask: valid steps of the inputs [T, B], of a `Pair`'s source [S, B]; None for all.
      reset: steps before which the carry returns to its initial value [T, B], or None for none.
    """

    xs: Any
    targets: Any
    weights: Any
    fresh: Any
    mask: Any = None
    reset: Any = None
