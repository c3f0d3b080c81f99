"""All that depends on how JAX is built inside, in one place; `tests/test_jax_internals.py` fails where that changes."""

import contextlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.interpreters import partial_eval


@jax.tree_util.register_static
class _Weight(NamedTuple):
    """In the place of a weight, which is the same at every step."""

    number: int


def without_weights(params, back):
    """What a step keeps for its backward pass, less the weights, which need not be kept at every step.

    A function that `jax.vjp` returns is a pytree whose leaves are the arrays that it closes over. The weights among
    them are found by their identity: JAX hands on the very tracer that it was given.

    Args:
      params: the weights.
      back: the second result of `jax.vjp` of a function of the params and of more.
    """
    weights = jax.tree.leaves(params)
    found = {id(leaf): _Weight(number) for number, leaf in enumerate(weights)}
    return jax.tree.map(lambda leaf: found.get(id(leaf), leaf), back)


def with_weights(params, back):
    """What `without_weights` was given."""
    weights = jax.tree.leaves(params)
    return jax.tree.map(
        lambda leaf: weights[leaf.number] if isinstance(leaf, _Weight) else leaf,
        back,
        is_leaf=lambda leaf: isinstance(leaf, _Weight),
    )


@contextlib.contextmanager
def reverse_mode_alone(what, instead):
    """Says in plain words that a `jax.custom_vjp` inside the block has no forward mode, where JAX refuses it there.

    Args:
      what: has none.
      instead: what to take for forward mode.

    Raises:
      TypeError: as JAX does.
    """
    try:
        yield
    except TypeError as error:
        if "forward-mode" not in str(error):
            raise
        raise TypeError(f"{what} can be differentiated in reverse mode alone; for jax.jvp take {instead}") from error


def is_affine(function, zs):
    """Whether the derivative of a function does not depend on where it is taken, as far as its program shows."""
    jaxpr = jax.make_jaxpr(lambda zs: jax.jvp(function, (zs,), (jnp.ones_like(zs),))[1])(zs).jaxpr
    return not partial_eval.dce_jaxpr(jaxpr, [True])[1][0]
