"""Optimizers from Optax. Clipping is separate from the update rule, so that its effect can be reported."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from jaxrnn.arguments import checked, validated
from jaxrnn.norms import norm
from jaxrnn.types import NonNegative, NonNegativeInt, Positive, Size

FOLDS = 16  # parts into which a vector is folded before its squares are summed


class Optimizer(NamedTuple):
    """An optimizer in two steps, so that the effect of clipping can be reported.

    Fields:
      clip: the transformation that clips the gradient.
      rule: the transformation that turns the clipped gradient into an update of the params.
      clip_norm: the largest global norm after `clip`, for figures; None without a limit.
      learning_rate: the step size without its schedule; None if unknown.
    """

    clip: optax.GradientTransformation
    rule: optax.GradientTransformation
    clip_norm: float | None = None
    learning_rate: float | None = None


def as_optimizer(rule: Any) -> Any:
    """Returns an Optax transformation as an `Optimizer` without separate clipping; an `Optimizer` stays the same.

    Raises:
      ConfigError: if the rule is neither of the two.
    """
    if isinstance(rule, Optimizer):
        return rule
    if not (hasattr(rule, "init") and hasattr(rule, "update")):
        validated(rule, optax.GradientTransformation, "optimizer")
    return Optimizer(optax.identity(), rule)


@checked
def optimizer(
    rule: optax.GradientTransformation,
    learning_rate: Positive,
    clip_norm: Positive | None = None,
    clip_value: Positive | None = None,
    weight_decay: NonNegative | None = None,
    schedule: Callable[..., Any] | None = None,
) -> Optimizer:
    """Composes an optimizer from parts of Optax.

    Two rules differ from PyTorch:

    - `optax.scale_by_rms` (RMSProp) adds epsilon inside the root, sqrt(v + eps); PyTorch adds it outside.
    - Weight decay is decoupled from the gradient, as in `torch.optim.AdamW`, and applies to all params, also biases.

    Args:
      rule: an Optax transformation without a learning rate, such as `optax.scale_by_adam()`.
      learning_rate: the step size.
      clip_norm: largest global L2 norm of the gradient (Pascanu, Mikolov & Bengio 2013, algorithm 1).
      clip_value: each component of the gradient is clipped to [-clip_value, clip_value] before the norm is clipped.
      weight_decay: factor of decoupled weight decay (Loshchilov & Hutter 2019); it is multiplied by the learning rate.
      schedule: step -> factor of the learning rate, such as `optax.cosine_decay_schedule(1.0, steps)`.
    """
    clips = [optax.identity() if clip_value is None else optax.clip(clip_value)]
    clips += [] if clip_norm is None else [clip_by_global_norm(clip_norm)]
    rules = [rule] if weight_decay is None else [rule, optax.add_decayed_weights(weight_decay)]
    rate = learning_rate if schedule is None else lambda step: learning_rate * schedule(step)
    updates = optax.chain(*rules, optax.scale_by_learning_rate(rate))
    return Optimizer(optax.chain(*clips), updates, clip_norm, learning_rate)


def clip_by_global_norm(largest: Any) -> optax.GradientTransformation:
    """Scales a gradient above this norm down to it, like `optax.clip_by_global_norm`, but with our `global_norm`.

    A norm that overflows gives NaN. Optax would give a zero update, so the run would silently stop learning.
    """

    def update(updates, state, params=None):
        grad_norm = global_norm(updates)
        grad_norm = jnp.where(jnp.isinf(grad_norm), jnp.nan, grad_norm)

        def clip(g):
            return jnp.where(grad_norm < largest, g, (g / grad_norm) * largest).astype(g.dtype)

        return jax.tree.map(clip, updates), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def global_norm(tree: Any) -> jax.Array:
    """L2 norm of all values of a tree, accurate whenever the norm itself fits into the values' dtype.

    Values such as 1e20 or 1e-20, whose squares do not fit into float32, are first divided by the largest one.
    """
    return global_norms(tree)[0]


def global_norms(*trees: Any) -> tuple[jax.Array, ...]:
    """Returns the `global_norm` of each tree.

    The leaves are joined to one vector first: norms leaf by leaf would take longer than the update of a small network.
    """
    return _norms(*[jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(tree)]) for tree in trees])


@jax.custom_batching.custom_vmap
def _norms(*vectors):
    return _correct_norms([jnp.sqrt(jnp.vdot(v, v, precision=lax.Precision.HIGHEST)) for v in vectors], vectors)


@_norms.def_vmap
def _norms_of_runs(runs, batched, *vectors):
    """Computes the norms of many runs. On a CPU XLA sums each row value by value, so the rows are folded first."""
    rows = [v if is_batched else jnp.tile(v, (runs, 1)) for v, is_batched in zip(vectors, batched, strict=True)]
    norms = []
    for row in rows:
        parts = jnp.pad(row, ((0, 0), (0, -row.shape[1] % FOLDS))).reshape(runs, FOLDS, -1)
        norms.append(jnp.sqrt(jnp.sum(sum(parts[:, fold] ** 2 for fold in range(FOLDS)), axis=-1)))
    return _correct_norms(norms, rows), (True,) * len(rows)


def _correct_norms(norms, vectors):
    """Returns the norms, recomputed with scaling if a square overflowed or underflowed."""
    limits = jnp.finfo(jnp.result_type(*norms))
    least, largest = limits.tiny**0.5 / limits.eps, limits.max
    accurate = [(value > least) & (value <= largest) for value in norms]

    def recompute(*vectors):
        scaled = [norm(vector, axis=-1) for vector in vectors]
        return tuple(jnp.where(*choice) for choice in zip(accurate, norms, scaled, strict=True))

    return lax.cond(jnp.all(functools.reduce(jnp.logical_and, accurate)), lambda *_: tuple(norms), recompute, *vectors)


@checked
def warmup_cosine(steps: Size, warmup: NonNegativeInt = 100) -> Callable[..., Any]:
    """Learning-rate factor that rises linearly from 0 to 1 and then falls to 0 along a cosine.

    Args:
      steps: number of updates until the factor is 0.
      warmup: number of updates until the factor is 1, at most a tenth of `steps`.
    """
    return optax.warmup_cosine_decay_schedule(0.0, 1.0, min(warmup, steps // 10), steps)
