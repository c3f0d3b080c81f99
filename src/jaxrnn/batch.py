"""Batches: input sequences and their targets."""

from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num


class Pair(NamedTuple):
    """Input of an encoder-decoder.

    Fields:
      source: [S, B, D], the sequence that the encoder reads.
      targets: [T, B, J], the true outputs for teacher forcing, J = K, or J = 1 for symbols if the outputs are logits.
        None if the decoder reads its own outputs.
      mask: [T, B], true at the valid steps of the targets; None if all are valid.
    """

    source: Num[Array, "S B D"]
    targets: Num[Array, "T B J"] | None
    mask: Bool[Array, "T B"] | None = None


class Uncut(Protocol):
    """Sequences that become a `Batch` of arrays only when they are read; `jaxrnn.windows.Windows` are some."""

    def __len__(self) -> int: ...  # number of steps

    def cut(self, rows: Any = slice(None)) -> "Batch": ...


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

    xs: Num[Array, "T B D"] | Pair | Uncut
    targets: Num[Array, "T B J"]
    weights: Float[Array, "T B"]
    fresh: Bool[Array, " B"]
    mask: Bool[Array, "T B"] | None = None
    reset: Bool[Array, "T B"] | None = None


def of_inputs(xs: Num[Array, "T B D"]) -> Batch:
    """Returns the `Batch` of sequences whose targets are unknown, for predictors; no step has a weight."""
    steps_and_rows = xs.shape[:2]
    targets, weights = jnp.full((*steps_and_rows, 1), jnp.nan), jnp.zeros(steps_and_rows)
    return Batch(xs, targets, weights, jnp.ones(xs.shape[1], bool))
