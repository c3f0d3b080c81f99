"""What the cells share: the product with a weight, the step around it, all gates of a step activated as one block."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu, "linear": lambda a: a}


class Dropped(NamedTuple):
    """A weight whose input is multiplied by a dropout mask that stays the same over time.

    Fields:
      w: [H, G].
      keep: [B, H], zero where a unit is dropped and 1 / (1 - rate) elsewhere.
    """

    w: jax.Array
    keep: jax.Array

    @property
    def dtype(self):
        return self.w.dtype

    def columns(self, start, stop):
        return Dropped(self.w[:, start:stop], self.keep)


def columns(w, start, stop):
    """The gates' block w[:, start:stop] of a weight, dropped or not."""
    return w.columns(start, stop) if isinstance(w, Dropped) else w[:, start:stop]


def dot(x, w):
    """x @ w, multiplied in w's precision and summed in float32 at least.

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
    """The step of a cell whose carry acts through one product: source(carry) W_h, and then combine.

    Unrolls that know the product by itself take it apart from the rest (`jaxrnn.deferred`).

    Fields:
      source: carry -> what W_h multiplies [..., H].
      combine: (params, carry, u_t, a_t) -> (carry, h_t), where a_t = source(carry) W_h; reads no `w_h`.
      unit_by_unit: whether combine acts on each unit by itself.
    """

    source: Callable
    combine: Callable
    unit_by_unit: bool = True

    def __call__(self, params, carry, u):
        return self.combine(params, carry, u, dot(self.source(carry), params.w_h))


def carry_dtype(w):
    """The dtype of carries beside a weight w: float32 at least, whatever precision products are taken in."""
    return jnp.promote_types(w.dtype, jnp.float32)


def activate(block, kinds):
    """Sigmoid and tanh gates of one block, by a single tanh: sigmoid(a) = (1 + tanh(a / 2)) / 2.

    One tanh over the block is one fused loop; an activation a gate is several that recompute each other.

    Args:
      block: pre-activations [..., len(kinds) * H].
      kinds: a letter a gate, "s" for sigmoid and "t" for tanh: "ssts" for the gates i, f, g, o.

    Returns:
      The gates, each [..., H].
    """
    size = block.shape[-1] // len(kinds)
    half = jnp.repeat(jnp.array([0.5 if kind == "s" else 1.0 for kind in kinds], block.dtype), size)
    shift = jnp.repeat(jnp.array([0.5 if kind == "s" else 0.0 for kind in kinds], block.dtype), size)
    return jnp.split(half * jnp.tanh(half * block) + shift, len(kinds), axis=-1)


def drop_recurrent(params, key, rate):
    """The params with one dropout mask a sequence on the input of every recurrent weight.

    The mask is drawn once and kept over time (Gal & Ghahramani 2016, eq. 7); it multiplies the state where the state
    enters the product with `w_h`, so neither the cell path of an LSTM nor the leak of a GRU is cut.

    Args:
      params: a cell's params.
      key: one PRNG key a sequence [B].
      rate: probability that a unit is dropped, in [0, 1).

    Raises:
      ValueError: if no leaf of the params is named `w_h`.
    """
    found = []

    def drop(path, leaf):
        if not is_recurrent(path):
            return leaf
        found.append(path)
        return Dropped(leaf, dropout_mask(key, rate, leaf.shape[:1], carry_dtype(leaf)))

    params = jax.tree_util.tree_map_with_path(drop, params)
    if not found:
        raise ValueError(f"dropout on the recurrence needs a weight named w_h; {type(params).__name__} has none")
    return params


def is_recurrent(path):
    """Whether the leaf at this path of a params tree holds recurrent weights: in every cell they are called w_h."""
    return getattr(path[-1], "name", None) == "w_h"


def dropout_mask(key, rate, shape, dtype):
    """Inverted dropout: zero with probability `rate`, else 1 / (1 - rate); one draw a key.

    Args:
      key: PRNG keys [B], any number of axes.
      rate: probability of a zero, in [0, 1).
      shape: shape of each draw.

    Returns:
      [B, *shape].
    """

    def draw(key):
        return jax.random.bernoulli(key, 1.0 - rate, shape).astype(dtype) / (1.0 - rate)

    for _ in range(key.ndim):
        draw = jax.vmap(draw)
    return draw(key)


def fold_in(key, number):
    """New PRNG keys [B] for the child `number` of a net, or None for None."""
    if key is None:
        return None
    fold = jax.random.fold_in
    for _ in range(key.ndim):
        fold = jax.vmap(fold, in_axes=(0, None))
    return fold(key, number)
