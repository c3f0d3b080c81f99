"""Parts of a cell's equations: the product with a weight, and gates activated as one block."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu, "linear": lambda a: a}
CANDIDATES = {"linear": lambda a: a, "positive": lambda a: jnp.where(a >= 0, a + 0.5, jax.nn.sigmoid(a))}


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


def split_dropout(w):
    """Returns (the weight as an array, its dropout mask [B, H] or None), from a weight or a `Dropped` weight."""
    return (w.w, w.keep) if isinstance(w, Dropped) else (w, None)


def has_dropout(params):
    """Returns whether a weight in the params is `Dropped`, so that each sequence has weights of its own."""
    leaves = jax.tree.leaves(params, is_leaf=lambda leaf: isinstance(leaf, Dropped))
    return any(isinstance(leaf, Dropped) for leaf in leaves)


def columns(w, gates):
    """Returns the columns w[:, gates] of a weight, or of a `Dropped` weight, for a slice `gates`."""
    w, keep = split_dropout(w)
    return w[:, gates] if keep is None else Dropped(w[:, gates], keep)


def dot(x, w):
    """Returns x @ w, multiplied in the precision of w and summed in float32 at least.

    Args:
      x: [..., n].
      w: weight [n, m], or a `Dropped` weight.

    Returns:
      [..., m], float32 for a bfloat16 or float32 weight, float64 for a float64 weight.
    """
    w, keep = split_dropout(w)
    x = x if keep is None else x * keep
    return jnp.matmul(x.astype(w.dtype), w, preferred_element_type=carry_dtype(w))


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
