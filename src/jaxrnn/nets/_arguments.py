"""Checks the arguments of a layer while it is traced, with a one-line message for a wrong shape or type.

Without these checks a wrong shape would fail deep inside JAX, and some unrolls would read a mask of numbers as weights.
"""

import jax
import jax.numpy as jnp

HINT = "net.initial(params, batch_shape) makes one"


def check_recurrent(cell, params, carry, xs, mask, reset):
    """Checks the arguments of a recurrent layer.

    Raises:
      ValueError: if xs is not [T, B, D] with the width of the params, the carry belongs to another cell or to another
        number of sequences, or mask or reset is not a boolean array [T, B].
    """
    shape = jnp.shape(xs)
    if len(shape) < 2:
        raise ValueError(f"xs: expected [T, B, D], got shape {shape}")
    for name, flags in (("mask", mask), ("reset", reset)):
        if flags is not None:
            _check_flags(name, flags, shape[:-1])
    _check_carry(cell, params, carry, shape)
    inputs = [leaf for path, leaf in jax.tree.leaves_with_path(params) if jax.tree_util.keystr(path[-1:]) == ".w_x"]
    if len(inputs) == 1 and inputs[0].shape[0] != shape[-1] and not _reads(cell, params, xs):
        refuse_width(inputs[0].shape[0], shape)


def _check_flags(name, flags, expected):
    shape, dtype = jnp.shape(flags), jnp.result_type(flags)
    if not jnp.issubdtype(dtype, jnp.bool_) or shape != expected:
        hint = f"; use {name} > 0" if shape == expected else ""
        raise ValueError(f"{name}: expected a boolean array [T, B] = {expected}, got {dtype} {shape}{hint}")


def _check_carry(cell, params, carry, shape):
    rows = shape[1:-1]
    template = jax.eval_shape(lambda: cell.initial(params, rows))
    if jax.tree.structure(carry) != jax.tree.structure(template):
        raise ValueError(f"carry: expected {type(template).__name__}, got {kind(carry)}; {HINT}")
    for leaf, expected in zip(jax.tree.leaves(carry), jax.tree.leaves(template), strict=True):
        leaf_shape = jnp.shape(leaf)
        if leaf_shape[: len(rows)] != rows:
            raise ValueError(
                f"xs [T, B, D] has shape {shape}, so B = {rows}, but the carry has B = {leaf_shape[:-1]}; xs must be "
                "time-major"
            )
        if leaf_shape != expected.shape:
            raise ValueError(f"carry: expected shape {expected.shape}, got {leaf_shape}")


def check_carries(nets, carry):
    """Checks that the carry of `serial` nets is a tuple with one entry per net.

    Raises:
      ValueError: if the carry has another type or another number of entries.
    """
    if not isinstance(carry, tuple | list):
        raise ValueError(f"carry: expected a tuple of {len(nets)}, got {kind(carry)}; {HINT}")
    if len(carry) != len(nets):
        raise ValueError(f"carry: expected {len(nets)} entries, one per net, got {len(carry)}; {HINT}")


def check_both(carry, expected):
    """Checks that the carry of a bidirectional layer has the type `expected`.

    Raises:
      ValueError: if it has another type.
    """
    if not isinstance(carry, expected):
        raise ValueError(f"carry: expected {expected.__name__}, got {kind(carry)}; {HINT}")


def _reads(cell, params, xs):
    """Returns whether a cell accepts these inputs; a user's cell may store its weights in another layout."""
    try:
        jax.eval_shape(lambda: cell.project(params, xs))
    except (TypeError, ValueError):
        return False
    return True


def refuse_width(width, shape):
    """Raises the error for inputs of shape `shape` that do not have the width of a layer's weights."""
    raise ValueError(f"xs [T, B, D]: expected D = {width}, the width of these params, got shape {shape}")


def kind(value):
    """Describes the type of a value for a message, such as "a tuple" or "an array"."""
    name = "array" if hasattr(value, "shape") else type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
