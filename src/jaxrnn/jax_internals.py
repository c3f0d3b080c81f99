"""All that depends on how JAX is built inside, in one place; `tests/test_jax_internals.py` fails where that changes."""

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


SERVICE = """
import sys, time
from jaxlib import _jax
service = _jax.get_distributed_runtime_service(sys.argv[1], int(sys.argv[2]), heartbeat_timeout=int(sys.argv[3]))
if not sys.stdin.read():  # the process that started it was killed; the others need a while to end by themselves
    time.sleep(20)
"""


class _Apart:
    """JAX's coordination service in a process of its own."""

    def __init__(self, address, processes, *, heartbeat_timeout=100, **rest):
        command = [sys.executable, "-c", SERVICE, address, str(processes), str(heartbeat_timeout)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, **quiet)

    def shutdown(self):
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(b"end")


@contextlib.contextmanager
def coordination_apart():
    """Has `jax.distributed.initialize` inside the block start its coordination service in a process of its own.

    In the first process, where JAX starts it, it dies with that process, and all others are then aborted by C++ code.
    """
    from jax._src.lib import _jax

    own, _jax.get_distributed_runtime_service = _jax.get_distributed_runtime_service, _Apart
    try:
        yield
    finally:
        _jax.get_distributed_runtime_service = own


class _Store:
    """The key-value store that all processes of a computation share."""

    def __init__(self, client):
        self._client = client

    def set(self, key, text):
        self._client.key_value_set(key, text, allow_overwrite=True)

    def get(self, key):
        """The text, or None while there is none."""
        try:
            return self._client.key_value_try_get(key)
        except jax.errors.JaxRuntimeError as error:
            if "NOT_FOUND" in str(error):
                return None
            raise


def key_value_store():
    """The `_Store` of a computation that has been joined; its calls raise RuntimeError where nobody answers."""
    from jax._src.distributed import global_state

    return _Store(global_state.client)


_ON_ABORT = []  # C code calls these functions for as long as the process lives


def abort_later(seconds):
    """From now on a thread that calls abort() waits first, so that the other threads can save and end the process.

    Where a connection to another process breaks, Gloo, by which JAX's processes on CPUs talk, at times throws in a
    thread of its own: nobody can catch that, and the C++ runtime aborts.

    Args:
      seconds: how long it waits; after them the process aborts as ever.
    """
    _ON_ABORT.append(ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: time.sleep(seconds)))
    ctypes.CDLL(None).signal(signal.SIGABRT, _ON_ABORT[-1])


def compiler_options():
    """What programs are compiled with, for `jax.jit` and for the `compile` of a lowered function.

    On a CPU matrices are multiplied by Eigen, not by YNNPACK, which XLA prefers: Eigen is faster for large recurrent
    layers and as fast for small ones, and YNNPACK crashes or hangs on some reductions in jaxlib 0.10.2 and 0.11.0
    (https://github.com/jax-ml/jax/issues/39257).
    """
    known = (0, 10) <= jaxlib.version.__version_info__[:2] <= (0, 12)  # XLA refuses options that it does not know
    return {"xla_cpu_experimental_ynn_fusion_type": ""} if known and jax.default_backend() == "cpu" else {}


def is_affine(function, zs):
    """Whether the derivative of a function does not depend on where it is taken, as far as its program shows."""
    jaxpr = jax.make_jaxpr(lambda zs: jax.jvp(function, (zs,), (jnp.ones_like(zs),))[1])(zs).jaxpr
    return not partial_eval.dce_jaxpr(jaxpr, [True])[1][0]
