"""PRNG keys for running a net: one per sequence, and one per step in a loop over single steps."""

from collections.abc import Callable
from typing import Any, NamedTuple, overload

import jax
from jaxtyping import Array, Int, Key

Keys = Key[Array, "*B"]  # one PRNG key per sequence


class StepKeys(NamedTuple):
    """Keys of one step, for a net that is called step by step.

    Fields:
      sequence: [B], keys for values that are drawn once per sequence, such as a dropout mask for all steps.
      step: [B], keys for values that are drawn again at every step.
    """

    sequence: Keys
    step: Keys


def at_step(key: Keys | None, step: int | Int[Array, ""]) -> StepKeys | None:
    """Returns the `StepKeys` of step number `step`, which may be traced, from keys [B]; None if `key` is None."""
    return None if key is None else StepKeys(key, fold_in(fold_in(key, 0), step))


def per_sequence(key: Keys | StepKeys) -> Keys:
    """Returns the keys [B] for values that are drawn once per sequence, from keys [B] or `StepKeys`."""
    return key.sequence if isinstance(key, StepKeys) else key


def per_step(key: Keys | StepKeys) -> Keys:
    """Returns the keys [B] for values that are drawn at every step, from keys [B] or `StepKeys`."""
    return key.step if isinstance(key, StepKeys) else key


@overload
def fold_in(key: Keys, number: int | Int[Array, ""]) -> Keys: ...
@overload
def fold_in(key: StepKeys, number: int | Int[Array, ""]) -> StepKeys: ...
@overload
def fold_in(key: None, number: int | Int[Array, ""]) -> None: ...
def fold_in(key: Any, number: Any) -> Any:
    """Derives the keys of part `number` of a net, such as a layer, from keys [B] or `StepKeys`; None stays None."""
    if key is None:
        return None
    if isinstance(key, StepKeys):
        return StepKeys(*(fold_in(part, number) for part in key))
    return for_each_key(lambda one_key: jax.random.fold_in(one_key, number), key)


def for_each_key(function: Callable[[Key[Array, ""]], Any], keys: Keys) -> Any:
    """Applies a function of one PRNG key to every key [B]; returns its results with leading axes [B]."""
    for _ in range(keys.ndim):
        function = jax.vmap(function)
    return function(keys)
