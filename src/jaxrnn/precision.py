"""Sets the precision of JAX for a block of code; the setting of the process stays unchanged."""

import functools
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import jax

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Tree = TypeVar("Tree")


def computing(precision: str | None) -> AbstractContextManager[Any]:
    """Returns a context manager in which JAX uses float64 for the precision "f64", else at most float32.

    It applies only to the thread that enters it.
    """
    return jax.enable_x64(precision == "f64")


def current() -> Literal["f32", "f64"]:
    """Returns the current precision of JAX, "f64" or "f32"."""
    return "f64" if jax.config.values["jax_enable_x64"] else "f32"


def within(precision: str | None, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Wraps a function so that every call, in any thread, runs inside `computing(precision)`."""

    @functools.wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with computing(precision):
            return function(*args, **kwargs)

    return call


def in_own_precision(
    function: Callable[Concatenate[Any, Arguments], Result],
) -> Callable[Concatenate[Any, Arguments], Result]:
    """Wraps a function of a `Run`, or another object with a `task`, to use the precision of its training."""

    @functools.wraps(function)
    def call(run: Any, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with computing(run.task.trainer.precision):
            return function(run, *args, **kwargs)

    return call


def steps_within(precision: str | None, steps: Iterator[Result]) -> Iterator[Result]:
    """Yields the items of an iterator and computes each one inside `computing(precision)`."""
    advance = within(precision, lambda: list(itertools.islice(steps, 1)))
    while step := advance():
        yield from step


def as_computed(tree: Tree) -> Tree:
    """Converts the float32, float64 and int64 leaves of a pytree to the dtypes of the current precision.

    The user may have made arrays while JAX had another setting.
    """
    is_f64 = current() == "f64"
    types = {"float32": "float64"} if is_f64 else {"float64": "float32", "int64": "int32", "uint64": "uint32"}

    def cast(leaf):
        name = str(getattr(leaf, "dtype", ""))
        return leaf.astype(types[name]) if name in types else leaf

    return jax.tree.map(cast, tree)
