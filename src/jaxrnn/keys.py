"""PRNG keys of a net that runs: one per sequence, and in a loop over single steps another one per step."""

from typing import Any, NamedTuple

import jax


class StepKeys(NamedTuple):
    """The keys of one step, for a net that runs a sequence in calls of one step each.

    Fields:
      sequence: [B], for what is drawn once per sequence, such as a dropout mask that stays the same over time.
      step: [B], for what is drawn anew at every step.
    """

    sequence: jax.Array
    step: jax.Array


def at_step(key: Any, step: Any) -> StepKeys | None:
    """The keys of a sequence [B] at one of its steps, whose number may be traced; None for None."""
    return None if key is None else StepKeys(key, fold_in(fold_in(key, 0), step))


def per_sequence(key: Any) -> jax.Array:
    """The keys [B] for what is drawn once per sequence, of keys [B] or `StepKeys`."""
    return key.sequence if isinstance(key, StepKeys) else key


def per_step(key: Any) -> jax.Array:
    """The keys [B] for what is drawn anew at every step, of keys [B] or `StepKeys`."""
    return key.step if isinstance(key, StepKeys) else key


def fold_in(key: Any, number: Any) -> Any:
    """New keys for the child `number` of a net: of keys [B], of `StepKeys`, or None for None."""
    if key is None:
        return None
    if isinstance(key, StepKeys):
        return StepKeys(*(fold_in(part, number) for part in key))
    fold = jax.random.fold_in
    for _ in range(key.ndim):
        fold = jax.vmap(fold, in_axes=(0, None))
    return fold(key, number)
