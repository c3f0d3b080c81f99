"""One kernel for all steps, written in Pallas: a program takes some sequences and keeps the recurrent weights on chip.

A loop of XLA reads W_h from memory at every step and launches several kernels a step. Here a program loads W_h once and
runs through time by itself, forwards and, with its gradient, backwards; products with inputs and the gradients of
weights are large ones before and after it.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.cells._step import Step, carry_dtype
from jaxrnn.cells.elman import ElmanParams
from jaxrnn.cells.gru import GRUParams
from jaxrnn.cells.lstm import LSTMParams
from jaxrnn.jax_internals import reverse_mode_alone
from jaxrnn.types import Size, Unroll
from jaxrnn.unroll._contract import in_time, scan, segments, where
from jaxrnn.unroll._pallas import LEAST, Kernel, power_of_two, run

ON_CHIP = 2**18  # bytes of recurrent weights that one program keeps, as many as an SM has registers


@checked
def unroll(rows: Size = LEAST, interpret: bool = False) -> Unroll:
    """An Elman, LSTM or GRU layer as one kernel for all steps, on an NVIDIA GPU.

    It can be differentiated in reverse mode alone.

    Args:
      rows: sequences that one program takes, 16 or a larger power of two.
      interpret: run the kernel by Pallas' interpreter, step by step on any device: to test it.

    Raises:
      ValueError: where JAX does not compute on a GPU and the kernel is not interpreted, or for other rows; when used,
        with more weights than fit on chip, another cell, dropout on the recurrence, or another precision than float32
        and float64.
    """
    if jax.default_backend() != "gpu" and not interpret:
        raise ValueError(f"unroll=pallas needs an NVIDIA GPU; JAX computes on {jax.default_backend()} here")
    if rows < LEAST or rows & (rows - 1):
        raise ValueError(f"unroll.rows={rows}: give {LEAST}, 32, 64 or another power of two")
    return partial(_unrolled, rows, interpret)


def _unrolled(rows, interpret, cell, params, carry, xs, *, mask=None, reset=None, reverse=False):
    local = _local(cell, params)
    if params.w_h.dtype not in (jnp.float32, jnp.float64):
        raise ValueError("unroll=pallas computes in float32 and float64; set trainer.precision=f32")
    steps, *batch, _ = xs.shape
    if xs.size == 0:
        return scan(cell, params, carry, xs, mask=mask, reset=reset, reverse=reverse)
    inputs = in_time(reverse, (xs, mask, segments(reset, reverse)))
    xs, mask, reset = jax.tree.map(lambda a: a.reshape(steps, -1, *a.shape[1 + len(batch) :]), inputs)
    kept = carry_dtype(params.w_h)
    first, initial = (
        [leaf.reshape(-1, cell.size).astype(kept) for leaf in jax.tree.leaves(each)]
        for each in (carry, lax.stop_gradient(cell.initial(params, tuple(batch))))
    )
    _refuse_large(params.w_h)
    kernel = Kernel(local, rows, interpret)
    with reverse_mode_alone("unroll pallas", "the unroll scan, jaxrnn.unroll.scan.unroll()"):
        us = cell.project(params, xs if mask is None else where(mask, xs, jnp.zeros_like(xs)))
        weights = _weights(params, cell.size)
        carries = run(kernel, _gates(us, cell.size), *weights, first, initial, _flags(mask, reset, us))
    ys = carries[-1] if mask is None else where(mask, carries[-1], jnp.zeros_like(carries[-1]))
    given, structure = jax.tree.flatten(carry)
    last = [leaf[-1].reshape(old.shape).astype(old.dtype) for leaf, old in zip(carries, given, strict=True)]
    return jax.tree.unflatten(structure, last), in_time(reverse, ys.reshape(steps, *batch, cell.size))


def _refuse_large(w_h):
    size = power_of_two(len(w_h))
    taken = w_h.shape[1] // len(w_h) * size**2 * w_h.dtype.itemsize
    if taken > ON_CHIP:
        raise ValueError(
            f"unroll=pallas keeps the recurrent weights on chip: {taken >> 10} KiB of at most {ON_CHIP >> 10}, the"
            " units filled up to a power of two; unroll=cudnn and unroll=deferred take larger layers"
        )


def _local(cell, params):
    """`Kernel.local` of a cell.

    Raises:
      ValueError: for a cell that the kernel does not know.
    """
    known = isinstance(cell.step, Step) and isinstance(params.w_h, jax.Array)
    if known and isinstance(params, ElmanParams):
        return lambda u, a, carry: [cell.step.combine(params._replace(w_h=None), None, u[0], a[0])[1]]
    if known and isinstance(params, LSTMParams):
        return _lstm
    if known and isinstance(params, GRUParams):
        return _gru
    raise ValueError(
        "unroll=pallas computes the elman, the lstm and the gru (reset after the product) of jaxrnn.cells, without "
        "recurrent dropout; unroll=deferred takes every cell"
    )


def _lstm(u, a, carry):
    i, f, g, o = (x + y for x, y in zip(u, a, strict=True))
    c = _sigmoid(f) * carry[0] + _sigmoid(i) * jnp.tanh(g)
    return [c, _sigmoid(o) * jnp.tanh(c)]


def _gru(u, a, carry):
    r, z = _sigmoid(u[0] + a[0]), _sigmoid(u[1] + a[1])
    return [(1 - z) * jnp.tanh(u[2] + r * a[2]) + z * carry[0]]


def _sigmoid(a):
    return 0.5 * jnp.tanh(0.5 * a) + 0.5


def _gates(us, size):
    """[T, B, G H] as [T, G, B, H]."""
    return jnp.moveaxis(us.reshape(*us.shape[:-1], -1, size), -2, -3)


def _weights(params, size):
    """(W_h [G, H, H], the bias of its product [G, H])."""
    w = jnp.moveaxis(params.w_h.reshape(size, -1, size), 1, 0)
    bias = jnp.zeros(w.shape[:2], w.dtype)
    return w, bias if getattr(params, "b_hn", None) is None else bias.at[2].set(params.b_hn)


def _flags(mask, reset, us):
    """[T, 2, B, 1]: one where a step is valid, and one where a segment goes on."""
    every = jnp.ones(us.shape[:2], us.dtype)
    valid, going = every if mask is None else mask, every if reset is None else ~reset
    return jnp.stack([valid.astype(us.dtype), going.astype(us.dtype)], axis=1)[..., None]
