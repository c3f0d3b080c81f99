"""What a layer is applied to, checked while it is traced: one sentence where a shape or a type is wrong.

Masks of numbers would be taken for shares by some unrolls, and other shapes end deep inside JAX.
"""

import jax
import jax.numpy as jnp

from jaxrnn.unroll._contract import Recorded

MADE = "net.initial(params, batch_shape) makes one"


def check_recurrent(cell, params, carry, xs, mask, reset):
    """Checks the arguments of a recurrent layer.

    Raises:
      ValueError: if xs is not [T, B, D] of the width that the params read, the carry is another cell's or of other
        sequences, or mask or reset are not boolean [T, B].
    """
    shape = jnp.shape(xs)
    if len(shape) < 2:
        raise ValueError(f"xs must be [T, B, D], and has shape {shape}")
    for name, flags in (("mask", mask), ("reset", reset)):
        if flags is not None:
            _check_flags(name, flags, shape[:-1])
    if not isinstance(carry, Recorded):
        _check_carry(cell, params, carry, shape)
    inputs = [leaf for path, leaf in jax.tree.leaves_with_path(params) if jax.tree_util.keystr(path[-1:]) == ".w_x"]
    if len(inputs) == 1 and inputs[0].shape[0] != shape[-1] and not _reads(cell, params, xs):
        refuse_width(inputs[0].shape[0], shape)


def _check_flags(name, flags, expected):
    shape, dtype = jnp.shape(flags), jnp.result_type(flags)
    if not jnp.issubdtype(dtype, jnp.bool_) or shape != expected:
        instead = f"; give {name} > 0" if shape == expected else ""
        raise ValueError(f"{name} must be boolean, [T, B] = {expected}, and is {dtype} {shape}{instead}")


def _check_carry(cell, params, carry, shape):
    rows = shape[1:-1]
    template = jax.eval_shape(lambda: cell.initial(params, rows))
    if jax.tree.structure(carry) != jax.tree.structure(template):
        raise ValueError(f"the carry is {kind(carry)}, and this layer's is {type(template).__name__}; {MADE}")
    for leaf, expected in zip(jax.tree.leaves(carry), jax.tree.leaves(template), strict=True):
        own = jnp.shape(leaf)
        if own[: len(rows)] != rows:
            raise ValueError(
                f"xs [T, B, D] has shape {shape}, so B = {rows}, but the carry has B = {own[:-1]}; sequences are "
                "time-major"
            )
        if own != expected.shape:
            raise ValueError(f"the carry has shape {own}, and this layer's is {expected.shape}")


def check_carries(nets, carry):
    """Checks that the carry of nets one after the other is a tuple with an entry for each.

    Raises:
      ValueError: if it is not.
    """
    if not isinstance(carry, tuple | list):
        raise ValueError(f"the carry is {kind(carry)}, and these nets' is a tuple of {len(nets)}; {MADE}")
    if len(carry) != len(nets):
        raise ValueError(f"the carry has {len(carry)} entries for {len(nets)} nets; {MADE}")


def check_both(carry, expected):
    """Checks that the carry of two directions is of the type `expected`.

    Raises:
      ValueError: if it is not.
    """
    if not isinstance(carry, expected):
        raise ValueError(f"the carry is {kind(carry)}, and a bidirectional layer's is {expected.__name__}; {MADE}")


def _reads(cell, params, xs):
    """Whether a cell takes these inputs after all: one of a user's own may lay out its weights otherwise."""
    try:
        jax.eval_shape(lambda: cell.project(params, xs))
    except (TypeError, ValueError):
        return False
    return True


def refuse_width(width, shape):
    """Refuses inputs of this shape, where a layer's weights read inputs of another width."""
    raise ValueError(f"xs [T, B, D] has shape {shape}, and these params read inputs of width D = {width}")


def kind(value):
    """What a value is, for a sentence: "a tuple", "an array"."""
    name = "array" if hasattr(value, "shape") else type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
