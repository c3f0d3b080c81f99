"""Optimizers of Optax, the clipping kept apart from the rule, so that what clipping did can be reported."""

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

FOLDS = 16  # of the values whose squares are summed


class Optimizer(NamedTuple):
    """Two `optax.GradientTransformation`s, so that what clipping did can be reported.

    Fields:
      clip: what is done to the gradient first.
      rule: what turns the result into an update of the params.
      clip_norm: the largest global norm that `clip` lets pass, for figures; None where it knows none.
      learning_rate: the step size, before its schedule; None where it is not known.
    """

    clip: optax.GradientTransformation
    rule: optax.GradientTransformation
    clip_norm: float | None = None
    learning_rate: float | None = None


def as_optimizer(rule: Any) -> Any:
    """Any Optax transformation as an `Optimizer` without clipping of its own; an `Optimizer` stays what it is.

    Raises:
      ConfigError: if it is neither.
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
    """An optimizer composed of Optax's parts.

    Two rules differ from PyTorch's: in `optax.scale_by_rms` (RMSProp) epsilon stands inside the root, sqrt(v + eps), in
    PyTorch outside; and weight decay is decoupled from the gradient, as in `torch.optim.AdamW`, and takes all params,
    biases too.

    Args:
      rule: an Optax transformation without a learning rate, such as `optax.scale_by_adam()`.
      learning_rate: the step size.
      clip_norm: the gradient is scaled down to this global L2 norm (Pascanu, Mikolov & Bengio 2013, algorithm 1).
      clip_value: each component of the gradient is cut to [-clip_value, clip_value], before the norm is.
      weight_decay: decoupled decay (Loshchilov & Hutter 2019), times the learning rate.
      schedule: step -> factor of the learning rate, such as `optax.cosine_decay_schedule(1.0, steps)`.
    """
    clips = [optax.identity() if clip_value is None else optax.clip(clip_value)]
    clips += [] if clip_norm is None else [clip_by_global_norm(clip_norm)]
    rules = [rule] if weight_decay is None else [rule, optax.add_decayed_weights(weight_decay)]
    rate = learning_rate if schedule is None else lambda step: learning_rate * schedule(step)
    updates = optax.chain(*rules, optax.scale_by_learning_rate(rate))
    return Optimizer(optax.chain(*clips), updates, clip_norm, learning_rate)


def clip_by_global_norm(largest: Any) -> optax.GradientTransformation:
    """`optax.clip_by_global_norm` with `global_norm`: a gradient above this norm is scaled down to it.

    A norm beyond the largest number gives NaN; Optax's would give zero, an update that learns nothing without a word.
    """

    def update(grads, state, params=None):
        size = global_norm(grads)
        size = jnp.where(jnp.isinf(size), jnp.nan, size)
        return jax.tree.map(lambda g: jnp.where(size < largest, g, (g / size) * largest).astype(g.dtype), grads), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def global_norm(tree: Any) -> jax.Array:
    """The L2 norm of all values of a tree.

    It is right wherever it is itself a number of the values' type: values of 1e20 and of 1e-20, whose squares float32
    does not hold, are divided by the largest of them first.
    """
    return global_norms(tree)[0]


def global_norms(*trees: Any) -> tuple[jax.Array, ...]:
    """The `global_norm` of each tree, as that of one vector: leaf by leaf, or tree by tree, would take longer than the
    update of a small network."""
    return _norms(*[jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(tree)]) for tree in trees])


@jax.custom_batching.custom_vmap
def _norms(*vectors):
    return _checked([jnp.sqrt(jnp.vdot(each, each, precision=lax.Precision.HIGHEST)) for each in vectors], vectors)


@_norms.def_vmap
def _norms_of_runs(runs, batched, *vectors):
    """Those of many runs: on a CPU XLA sums many rows one value after the other, so that the rows are folded first."""
    rows = [each if own else jnp.tile(each, (runs, 1)) for each, own in zip(vectors, batched, strict=True)]
    norms = []
    for each in rows:
        parts = jnp.pad(each, ((0, 0), (0, -each.shape[1] % FOLDS))).reshape(runs, FOLDS, -1)
        norms.append(jnp.sqrt(jnp.sum(sum(parts[:, fold] ** 2 for fold in range(FOLDS)), axis=-1)))
    return _checked(norms, rows), (True,) * len(rows)


def _checked(norms, vectors):
    """Norms as they are; computed again where a square was too large for its type, or too small to count."""
    limits = jnp.finfo(jnp.result_type(*norms))
    least, largest = limits.tiny**0.5 / limits.eps, limits.max
    good = [(each > least) & (each <= largest) for each in norms]

    def again(*vectors):
        scaled = [norm(each, axis=-1) for each in vectors]
        return tuple(jnp.where(*each) for each in zip(good, norms, scaled, strict=True))

    return lax.cond(jnp.all(functools.reduce(jnp.logical_and, good)), lambda *_: tuple(norms), again, *vectors)


@checked
def warmup_cosine(steps: Size, warmup: NonNegativeInt = 100) -> Callable[..., Any]:
    """The factor of a learning rate that rises from 0 to 1 on a line and falls to 0 as a cosine.

    Args:
      steps: updates until it is 0.
      warmup: updates until it is 1, a tenth of the steps at most.
    """
    return optax.warmup_cosine_decay_schedule(0.0, 1.0, min(warmup, steps // 10), steps)
