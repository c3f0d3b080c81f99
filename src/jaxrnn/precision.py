"""In which precision JAX computes: set for a block, so that what the user set for the process stays."""

import functools
from typing import Any

import jax


def computing(precision: str | None) -> Any:
    """A block in which JAX computes in float64 for the precision "f64", and in float32 at most for the others.

    It holds for the thread that enters it; what the user set stays as it is.
    """
    return jax.enable_x64(precision == "f64")


def current() -> str:
    """The precision that JAX computes in here: "f64" or "f32"."""
    return "f64" if jax.config.jax_enable_x64 else "f32"


def within(precision: str | None, function: Any) -> Any:
    """A function that is called inside `computing(precision)`, in whatever thread."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        with computing(precision):
            return function(*args, **kwargs)

    return call


def in_own_precision(function: Any) -> Any:
    """A function of a `Run`, or of another object with a `task`, that computes in the precision of its training."""

    @functools.wraps(function)
    def call(run, *args, **kwargs):
        with computing(run.task.trainer.precision):
            return function(run, *args, **kwargs)

    return call


def steps_within(precision: str | None, steps: Any) -> Any:
    """What an iterator yields, each step computed inside `computing(precision)`."""
    ended = object()
    while (step := within(precision, next)(steps, ended)) is not ended:
        yield step


def as_computed(tree: Any) -> Any:
    """A pytree whose float32, float64 and int64 leaves have the types that JAX computes in here.

    A user may have made arrays while JAX was set otherwise.
    """
    wide = current() == "f64"
    types = {"float32": "float64"} if wide else {"float64": "float32", "int64": "int32", "uint64": "uint32"}

    def cast(leaf):
        name = str(getattr(leaf, "dtype", ""))
        return leaf.astype(types[name]) if name in types else leaf

    return jax.tree.map(cast, tree)
