"""All code that depends on the internals of JAX. `tests/test_jax_internals.py` fails when they change."""

import contextlib
import ctypes
import signal
import subprocess
import sys
import time
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
def reverse_mode_alone(name, instead):
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


SERVICE = """
import sys, time
from jaxlib import _jax
service = _jax.get_distributed_runtime_service(sys.argv[1], int(sys.argv[2]), heartbeat_timeout=int(sys.argv[3]))
if not sys.stdin.read():  # the parent process was killed; give the other processes time to stop
    time.sleep(20)
"""


class _Apart:
    """JAX's coordination service in a separate process."""

    def __init__(self, address, processes, *, heartbeat_timeout=100, **options):
        command = [sys.executable, "-c", SERVICE, address, str(processes), str(heartbeat_timeout)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, **quiet)

    def shutdown(self):
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(b"end")


@contextlib.contextmanager
def coordination_apart():
    """Makes `jax.distributed.initialize` inside the block start its coordination service in a separate process.

    JAX starts the service in the first process. If that process dies, C++ code aborts all the others.
    """
    from jax._src.lib import _jax

    original, _jax.get_distributed_runtime_service = _jax.get_distributed_runtime_service, _Apart
    try:
        yield
    finally:
        _jax.get_distributed_runtime_service = original


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


_ON_ABORT = []  # keeps the handlers alive: C code may call them as long as the process lives


def abort_later(seconds):
    """Delays every later abort() of this process, so that the other threads can save and end the process.

    JAX's processes on CPUs communicate through Gloo. When a connection breaks, Gloo sometimes throws an exception in
    its own thread. No one can catch that exception, so the C++ runtime aborts.

    Args:
      seconds: the delay; afterwards the process aborts as usual.
    """
    _ON_ABORT.append(ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: time.sleep(seconds)))
    ctypes.CDLL(None).signal(signal.SIGABRT, _ON_ABORT[-1])


def compiler_options():
    """Returns the compiler options for `jax.jit` and for `compile` of a lowered function.

    On a CPU they select Eigen for matrix products instead of YNNPACK, XLA's default. Eigen is faster for large
    recurrent layers and as fast for small ones. YNNPACK crashes or hangs on some reductions in jaxlib 0.10.2 and 0.11.0
    (https://github.com/jax-ml/jax/issues/39257).
    """
    is_known = (0, 10) <= jaxlib.version.__version_info__[:2] <= (0, 12)  # XLA refuses unknown options
    return {"xla_cpu_experimental_ynn_fusion_type": ""} if is_known and jax.default_backend() == "cpu" else {}


def is_affine(function, zs):
    """Returns whether a function's traced derivative is the same at every point."""
    jaxpr = jax.make_jaxpr(lambda zs: jax.jvp(function, (zs,), (jnp.ones_like(zs),))[1])(zs).jaxpr
    return not partial_eval.dce_jaxpr(jaxpr, [True])[1][0]
