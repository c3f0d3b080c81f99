"""Wraps any `Cell` as an `nnx.RNNCellBase` and any `Net` as an `nnx.Module`.

The params keep their structure, and each leaf becomes an `nnx.Param`. Flax's optimizers, filters and checkpoints
therefore handle them like any other params.
"""

from collections.abc import Sequence
from typing import Any

import jax
from flax import nnx

from jaxrnn.types import Carry, Cell, Net


class CellModule(nnx.RNNCellBase):
    """`Cell` for `nnx.RNN`, `nnx.Bidirectional` and all other code that takes an `nnx.RNNCellBase`. Batch-major.

    Args:
      cell: a `Cell`.
      in_features: number of input features (D).
      rngs: `nnx.Rngs` whose stream `params` initialises the weights.
    """

    def __init__(self, cell: Cell, in_features: int, *, rngs: Any):
        self.cell = cell
        self.in_features = in_features
        self.params: Any = _as_variables(cell.init(rngs.params(), in_features))

    def __call__(self, carry: Carry, inputs: jax.Array) -> tuple[Carry, jax.Array]:
        """Computes one step: (carry, x_t [B, D]) -> (carry, h_t [B, H])."""
        params = _as_arrays(self.params)
        return self.cell.step(params, carry, self.cell.project(params, inputs))

    def initialize_carry(self, input_shape: Sequence[int], rngs: Any = None) -> Carry:
        """Returns the carry before the first step, for inputs [B, D]."""
        return self.cell.initial(_as_arrays(self.params), tuple(input_shape[:-1]))

    @property
    def num_feature_axes(self) -> int:
        return 1


class NetModule(nnx.Module):
    """`Net` as a layer of a Flax model. Time-major; every call starts from the initial carry.

    Args:
      net: a `Net`.
      in_features: number of input features (D).
      rngs: `nnx.Rngs` whose stream `params` initialises the weights.
    """

    def __init__(self, net: Net, in_features: int, *, rngs: Any):
        self.net = net
        self.params: Any = _as_variables(net.init(rngs.params(), in_features))

    def __call__(
        self, xs: jax.Array, *, mask: Any = None, reset: Any = None, key: jax.Array | None = None
    ) -> jax.Array:
        """Computes xs [T, B, D] -> ys [T, B, K]. See `Net.apply` for mask, reset and key."""
        params = _as_arrays(self.params)
        carry = self.net.initial(params, xs.shape[1:-1])
        return self.net.apply(params, carry, xs, mask=mask, reset=reset, key=key)[1]


def _as_variables(params):
    return nnx.data(jax.tree.map(nnx.Param, params))


def _as_arrays(params):
    return jax.tree.map(lambda variable: variable[...], params, is_leaf=lambda leaf: isinstance(leaf, nnx.Param))
