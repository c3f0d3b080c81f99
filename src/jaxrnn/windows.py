"""Windows of one long series: what validation and tests read, without holding the series once per window."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.types import Batch

PIECE = 2**22  # values of windows that are cut at a time


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Windows:
    """B windows of one series, cut where they are read: side by side they would hold the series many times.

    Fields:
      inputs: [N, D], of every step of the series.
      targets: [N, K].
      starts: [B], the step that each window begins with.
      length: S, steps per window.
    """

    inputs: Any
    targets: Any
    starts: Any
    length: int = field(metadata={"static": True})

    def __len__(self) -> int:
        return self.length

    def cut(self, rows: Any = slice(None)) -> Batch:
        """The `Batch` of these windows, as arrays; the last step of each counts."""
        at = self.starts[rows] + jnp.arange(self.length)[:, None]
        xs, targets = self.inputs[at], self.targets[at]
        counted = (jnp.arange(self.length) == self.length - 1)[:, None] * known_share(targets)
        return Batch(xs, targets, counted.astype(xs.dtype), jnp.ones(at.shape[1], bool))

    def last_outputs(self, function: Callable[[Any], Any]) -> Any:
        """[1, B, K], the outputs at the last step of every window of a function xs [S, b, D] -> [S, b, K].

        It is applied to as many windows at a time as hold `PIECE` values.
        """
        count = self.starts.shape[0]
        rows = max(1, min(count, PIECE // (self.length * self.inputs.shape[-1])))

        def of_rows(starts):
            return function(self.inputs[starts + jnp.arange(self.length)[:, None]])[-1]

        if rows == count:
            return of_rows(self.starts)[None]
        pieces = -(-count // rows)
        padded = self.starts[jnp.minimum(jnp.arange(pieces * rows), count - 1)]
        found = jax.lax.map(of_rows, padded.reshape(pieces, rows))
        return found.reshape(1, pieces * rows, -1)[:, :count]


def known_share(targets: Any) -> Any:
    """[...], the share of the targets [..., K] that are known, not NaN: the weight of a step."""
    return jnp.mean(~jnp.isnan(targets), axis=-1)
