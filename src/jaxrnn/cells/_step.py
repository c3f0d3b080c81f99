"""Shared by the cells: the product with a weight, the step around it, and gates activated as one block."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu, "linear": lambda a: a}


class Dropped(NamedTuple):
    """A weight whose input is multiplied by a dropout mask that stays the same over time; for `h @ w` and `dot`.

    Fields:
      w: [H, G].
      keep: [B, H], zero for a dropped unit and 1 / (1 - rate) otherwise.
    """

    w: jax.Array
    keep: jax.Array

    @property
    def dtype(self):
        return self.w.dtype

    @property
    def shape(self):
        return self.w.shape

    def __rmatmul__(self, h):
        return (h * self.keep) @ self.w


def columns(w, gates):
    """The columns w[:, gates] of a weight, or of a `Dropped` weight, for a slice `gates`."""
    return Dropped(w.w[:, gates], w.keep) if isinstance(w, Dropped) else w[:, gates]


def dot(x, w):
    """Returns x @ w, multiplied in the precision of w and summed in float32 at least.

    Args:
      x: [..., n].
      w: weight [n, m], or a `Dropped` weight.

    Returns:
      [..., m], float32 for a bfloat16 or float32 weight, float64 for a float64 weight.
    """
    if isinstance(w, Dropped):
        x, w = x * w.keep, w.w
    return jnp.matmul(x.astype(w.dtype), w, preferred_element_type=carry_dtype(w))


class Step(NamedTuple):
    """Step with one product of the carry: a_t = source(carry) W_h, then combine.

    Unrolls that compute the product separately, such as `jaxrnn.unroll.deferred`, need such a step.

    Fields:
      source: carry -> [..., H], the vector that W_h multiplies.
      combine: (params, carry, u_t, a_t) -> (carry, h_t). It does not read `w_h`.
      unit_by_unit: whether combine acts on each unit separately.
      equations: "lstm" or "gru" if combine computes the equations of that file, otherwise None. `jaxrnn.unroll` holds
        hand-written derivatives of these.
    """

    source: Callable[..., Any]
    combine: Callable[..., Any]
    unit_by_unit: bool = True
    equations: str | None = None

    def __call__(self, params, carry, u):
        return self.combine(params, carry, u, dot(self.source(carry), params.w_h))


def carry_dtype(w):
    """The dtype of the carry of a cell with weight w: float32 at least, also if products are in lower precision."""
    return jnp.promote_types(w.dtype, jnp.float32)


def activate(block, kinds):
    """Applies sigmoid and tanh to the gates of one block, by a single tanh: sigmoid(a) = (1 + tanh(a / 2)) / 2.

    XLA fuses one tanh over the block into one loop. One activation per gate would give several loops that compute the
    same values again.

    Args:
      block: pre-activations [..., len(kinds) * H].
      kinds: one letter per gate, "s" for sigmoid and "t" for tanh: "ssts" for the gates i, f, g, o.

    Returns:
      The gates, each [..., H].
    """
    size = block.shape[-1] // len(kinds)
    half = jnp.repeat(jnp.array([0.5 if kind == "s" else 1.0 for kind in kinds], block.dtype), size)
    shift = jnp.repeat(jnp.array([0.5 if kind == "s" else 0.0 for kind in kinds], block.dtype), size)
    return jnp.split(half * jnp.tanh(half * block) + shift, len(kinds), axis=-1)
