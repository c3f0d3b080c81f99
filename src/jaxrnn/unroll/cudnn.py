"""cuDNN's LSTM kernel as an unroll, through `jax.experimental.rnn`: on NVIDIA GPUs, for `jaxrnn.cells.lstm` only."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import rnn

from jaxrnn.arguments import checked
from jaxrnn.cells.lstm import LSTMCarry
from jaxrnn.cells.step import has_dropout
from jaxrnn.cells.structure import step_with_product
from jaxrnn.types import Carry, Cell, Params, Unroll
from jaxrnn.unroll.contract import in_time, scan


@checked
def unroll() -> Unroll:
    """cuDNN's LSTM: one kernel for all steps.

    Raises:
      ValueError: if JAX does not compute on an NVIDIA GPU.
    """
    if jax.default_backend() != "gpu":
        raise ValueError(f"unroll=cudnn needs an NVIDIA GPU; JAX computes on {jax.default_backend()} here")
    return cudnn


def cudnn(
    cell: Cell,
    params: Params,
    carry: Carry,
    xs: jax.Array,
    *,
    mask: jax.Array | None = None,
    reset: jax.Array | None = None,
    reverse: bool = False,
) -> tuple[Carry, jax.Array]:
    """Unrolls an LSTM in one kernel for all steps; arguments and results as in `jaxrnn.unroll`.

    Raises:
      ValueError: for another cell, for values that are not float32, or with a mask or resets, which cuDNN lacks.
    """
    product = step_with_product(cell)
    if product is None or product.equations != "lstm" or has_dropout(params):
        raise ValueError("unroll=cudnn computes only the LSTM of jaxrnn.cells.lstm, without recurrent dropout")
    if {leaf.dtype for leaf in jax.tree.leaves((params, carry, xs))} != {jnp.dtype("float32")}:
        raise ValueError("unroll=cudnn computes in float32; set trainer.precision=f32")
    if mask is not None or reset is not None:
        raise ValueError("unroll=cudnn supports no masks and no resets; use unroll=deferred")
    if len(xs) < 2:
        return scan(cell, params, carry, xs)
    steps, *batch, width = xs.shape
    flat = in_time(reverse, xs).reshape(steps, -1, width)
    first = [leaf.reshape(1, -1, cell.size) for leaf in (carry.h, carry.c)]
    outputs: Any = rnn.lstm(
        flat.swapaxes(0, 1),
        *first,
        _packed(params),
        jnp.full(flat.shape[1], steps, jnp.int32),
        input_size=width,
        hidden_size=cell.size,
        num_layers=1,
        dropout=0.0,
        bidirectional=False,
    )
    ys, h, c = outputs
    shape = (*batch, cell.size)
    return LSTMCarry(c.reshape(shape), h.reshape(shape)), in_time(reverse, ys.swapaxes(0, 1).reshape(steps, *shape))


def _packed(params):
    """Returns cuDNN's weight vector: W_x^T, W_h^T, input bias, recurrent bias, each with the gates i, f, g, o."""
    return jnp.concatenate([params.w_x.T.ravel(), params.w_h.T.ravel(), params.b, jnp.zeros_like(params.b)])
