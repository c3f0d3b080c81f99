"""Checks that a cell keeps the contract of `jaxrnn.types.Cell`, by tracing one step."""

import inspect

import jax
import jax.numpy as jnp

from jaxrnn.arguments import described
from jaxrnn.errors import ConfigError, last_line


def checking_unroll(cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    """Unroll that runs no recurrence: it traces one step of the cell, checks the result, and returns zeros as outputs.

    Arguments and results as in `jaxrnn.unroll`.

    Raises:
      ConfigError: if a function of the user's own cell fails; if the step does not return a pair of carry and output;
        if the new carry differs from the initial one in its structure, a shape or the kind of its numbers (an unroll
        converts between floating-point types only); or if the output is not `cell.size` wide.
    """
    batch_shape = xs.shape[1:-1]
    try:
        initial = cell.initial(params, batch_shape)
        result = cell.step(params, initial, cell.project(params, jnp.zeros(xs.shape[1:], xs.dtype)))
    except Exception as error:  # code of the user's own may raise any error
        if _module(cell).startswith("jaxrnn."):
            raise
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        file = getattr(getattr(_own_function(cell), "__code__", None), "co_filename", None)
        raise ConfigError(f"cell {_name(cell)}{last_line(error, file)}: {reason}") from error
    if not isinstance(result, tuple) or hasattr(result, "_fields") or len(result) != 2:
        raise ConfigError(f"cell {_name(cell)}: step must return (carry, h), found {_structure(result)}")
    new_carry, y = result
    _compare(cell, initial, new_carry)
    if jnp.shape(y) != (expected := (*batch_shape, cell.size)):
        raise ConfigError(
            f"cell {_name(cell)}: step must return h of shape {expected}, [batch, cell.size], found {jnp.shape(y)}"
        )
    return carry, jnp.zeros((len(xs), *y.shape), y.dtype)


def _compare(cell, initial, new_carry):
    """Raises a `ConfigError` that names the first leaf in which a new carry differs from the initial one."""
    where = f"cell {_name(cell)}: step must return a carry like that of initial"
    if jax.tree.structure(initial) != jax.tree.structure(new_carry):
        raise ConfigError(f"{where}: expected {_structure(initial)}, found {_structure(new_carry)}")
    for (path, old), new in zip(jax.tree.leaves_with_path(initial), jax.tree.leaves(new_carry), strict=True):
        old, new = jax.typeof(old), jax.typeof(new)
        same_kind = all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in (old, new)) or old.dtype == new.dtype
        if old.shape != new.shape or not same_kind:
            name = jax.tree_util.keystr(path).removeprefix(".") or "the carry"
            expected, actual = (f"{leaf.dtype}{list(leaf.shape)}" for leaf in (old, new))
            raise ConfigError(f"{where}: {name}: expected {expected}, found {actual}")


def _structure(tree):
    """Describes a pytree in words: its type and the names of its leaves."""
    if jax.tree_util.treedef_is_leaf(jax.tree.structure(tree)):
        return described(tree)
    names = [jax.tree_util.keystr(path).removeprefix(".") for path, _ in jax.tree.leaves_with_path(tree)]
    return f"{type(tree).__name__} of {', '.join(names)}" if names else type(tree).__name__


def _own_function(cell):
    """Returns the first of a cell's functions that was not written in jaxrnn, or its step."""
    functions = [inspect.unwrap(function) for function in (cell.step, cell.project, cell.initial, cell.init)]
    return next((f for f in functions if not getattr(f, "__module__", "jaxrnn.").startswith("jaxrnn.")), functions[0])


def _module(cell):
    return str(getattr(_own_function(cell), "__module__", "jaxrnn."))


def _name(cell):
    """Returns the import path of the factory of a cell."""
    qualified = getattr(_own_function(cell), "__qualname__", "step").partition(".<locals>")[0]
    return f"{_module(cell)}.{qualified}"
