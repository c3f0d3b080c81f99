"""Windows of one long series, for validation and tests, without a copy of the series per window."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from jaxrnn.types import Batch

PIECE = 2**22  # number of values that are cut into windows at once


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Windows:
    """B windows of one series. A window is cut only when it is read, which saves memory.

    Fields:
      inputs: [N, D], the input at every step of the series.
      targets: [N, K], the targets at every step.
      starts: [B], the first step of each window.
      length: S, the number of steps per window.
    """

    inputs: Any
    targets: Any
    starts: Any
    length: int = field(metadata={"static": True})

    def __len__(self) -> int:
        return self.length

    def cut(self, rows: Any = slice(None)) -> Batch:
        """Returns windows as a `Batch` of arrays. Only the last step of each window counts in the loss.

        Args:
          rows: index array or slice that selects the windows.
        """
        steps = self.starts[rows] + jnp.arange(self.length)[:, None]
        xs, targets = self.inputs[steps], self.targets[steps]
        counted = (jnp.arange(self.length) == self.length - 1)[:, None] * known_share(targets)
        return Batch(xs, targets, counted.astype(xs.dtype), jnp.ones(steps.shape[1], bool))

    def last_outputs(self, function: Callable[[Any], Any]) -> Any:
        """Returns a function's outputs at the last step of every window: [1, B, K].

        The function, xs [S, b, D] -> [S, b, K], is applied to as many windows at once as `PIECE` allows.
        """
        count = self.starts.shape[0]
        rows = max(1, min(count, PIECE // (self.length * self.inputs.shape[-1])))

        def of_rows(starts):
            return function(self.inputs[starts + jnp.arange(self.length)[:, None]])[-1]

        if rows == count:
            return of_rows(self.starts)[None]
        pieces = -(-count // rows)
        padded = self.starts[jnp.minimum(jnp.arange(pieces * rows), count - 1)]
        outputs = jax.lax.map(of_rows, padded.reshape(pieces, rows))
        return outputs.reshape(1, pieces * rows, -1)[:, :count]


def known_share(targets: Any) -> Any:
    """Returns the weight of each step [...]: the share of its targets [..., K] that are not NaN."""
    return jnp.mean(~jnp.isnan(targets), axis=-1)


def panel_index(panel: Any, starts: Any) -> Any:
    """Returns the index [B] of the series that each window is from.

    Args:
      panel: the `Series` of a data set, whose arrays follow each other.
      starts: [B], as in `Windows`.
    """
    ends = jnp.cumsum(jnp.asarray([len(series.values) for series in panel]))
    return jnp.searchsorted(ends, starts, side="right")
