"""All code that depends on the internals of JAX. `tests/test_jax_internals.py` fails when they change."""

import contextlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jaxlib.version
from jax.interpreters import partial_eval


@jax.tree_util.register_static
class _Weight(NamedTuple):
    """Placeholder for a weight; weights are the same at every step."""

    number: int


def without_weights(params, back):
    """Replaces the weights in the residuals of a step by placeholders, so that they are not stored at every step.

    A function returned by `jax.vjp` is a pytree, whose leaves are the arrays that it closes over. The weights among
    these leaves are the same Python objects as in `params`, because JAX passes tracers on unchanged.

    Args:
      params: the weights.
      back: the function that `jax.vjp` returned for a function of the params and of other arguments.
    """
    weights = jax.tree.leaves(params)
    placeholders = {id(leaf): _Weight(number) for number, leaf in enumerate(weights)}
    return jax.tree.map(lambda leaf: placeholders.get(id(leaf), leaf), back)


def with_weights(params, back):
    """Inverse of `without_weights`: puts the weights back in place of the placeholders."""
    weights = jax.tree.leaves(params)
    return jax.tree.map(
        lambda leaf: weights[leaf.number] if isinstance(leaf, _Weight) else leaf,
        back,
        is_leaf=lambda leaf: isinstance(leaf, _Weight),
    )


@contextlib.contextmanager
def reverse_mode_only(name, instead):
    """Replaces JAX's error for forward-mode differentiation of a `jax.custom_vjp` inside the block by a clear one.

    Args:
      name: the function without a forward mode, for the message.
      instead: the function to use for forward mode, for the message.

    Raises:
      TypeError: where JAX raises one.
    """
    try:
        yield
    except TypeError as error:
        if "forward-mode" not in str(error):
            raise
        raise TypeError(f"{name} supports reverse-mode differentiation only; for jax.jvp use {instead}") from error


class _Store:
    """The key-value store that all processes of a computation share."""

    def __init__(self, client):
        self._client = client

    def set(self, key, text):
        self._client.key_value_set(key, text, allow_overwrite=True)

    def get(self, key):
        """Returns the text of a key, or None if the key is not set."""
        try:
            return self._client.key_value_try_get(key)
        except jax.errors.JaxRuntimeError as error:
            if "NOT_FOUND" in str(error):
                return None
            raise


def key_value_store():
    """Returns the `_Store` of a joined computation. Its methods raise RuntimeError if the service does not answer."""
    from jax._src.distributed import global_state

    return _Store(global_state.client)


def compiler_options() -> dict[str, str | bool]:
    """Returns the compiler options for `jax.jit` and for `compile` of a lowered function.

    On a CPU they select Eigen for matrix products instead of YNNPACK, XLA's default. Eigen is faster for large
    recurrent layers and as fast for small ones. YNNPACK crashes or hangs on some reductions in jaxlib 0.10.2 and 0.11.0
    (https://github.com/jax-ml/jax/issues/39257).
    """
    is_known = (0, 10) <= jaxlib.version.__version_info__[:2] <= (0, 12)  # XLA refuses unknown options
    return {"xla_cpu_experimental_ynn_fusion_type": ""} if is_known and jax.default_backend() == "cpu" else {}


def compile_for(function, *arguments):
    """Compiles a jitted function for its arguments, with `compiler_options`.

    Under `jax.disable_jit()`, which refuses compiled functions, returns the function itself.
    """
    if jax.config.values["jax_disable_jit"]:
        return function
    return function.lower(*arguments).compile(compiler_options())


def is_affine(function, zs):
    """Returns whether a function's traced derivative is the same at every point."""
    jaxpr = jax.make_jaxpr(lambda zs: jax.jvp(function, (zs,), (jnp.ones_like(zs),))[1])(zs).jaxpr
    return not partial_eval.dce_jaxpr(jaxpr, [True])[1][0]
