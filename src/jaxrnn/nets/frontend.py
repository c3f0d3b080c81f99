"""Convolution in time, for example in front of recurrent layers: `convolution`."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.cells.step import ACTIVATIONS, carry_dtype, dot
from jaxrnn.initializers import glorot
from jaxrnn.nets._arguments import HINT, kind, refuse_width
from jaxrnn.nets.layers import masked
from jaxrnn.types import Net, Size

FEATURES, KERNEL = 32, 5  # of a frontend whose options are left out


class ConvolutionParams(NamedTuple):
    w: jax.Array  # [kernel, D, features]; w[0] is multiplied with the oldest step
    b: jax.Array  # [features]


class LastInputs(NamedTuple):
    """The carry of a convolution, apart from the state of recurrent layers."""

    xs: jax.Array  # [B, kernel - 1, D], the last valid inputs


@checked
def convolution(
    features: Size = FEATURES, kernel: Size = KERNEL, activation: Literal["tanh", "relu", "linear"] = "relu"
) -> Net:
    """Causal convolution in time: y_t = phi(sum_j x_{t-j} w[kernel-1-j] + b) for j from 0 to kernel - 1.

    - Only valid steps count: x_{t-j} is the input j valid steps before, so steps of padding do not leak. Before the
      first step, and before a `reset`, the inputs are zero.
    - The stride is 1: the outputs have the steps of the inputs.
    - The carry holds the last inputs (`LastInputs`), so the net runs step by step as well.

    Args:
      features: width of the outputs.
      kernel: number of steps that each output reads, with the current one.
      activation: phi.
    """
    phi = ACTIVATIONS[activation]

    def init(key, input_size):
        weights = glorot()(key, (kernel * input_size, features))
        return ConvolutionParams(weights.reshape(kernel, input_size, features), jnp.zeros(features))

    def initial(params, batch_shape):
        return LastInputs(jnp.zeros((*batch_shape, kernel - 1, params.w.shape[1]), carry_dtype(params.w)))

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        _check(params, carry, xs)
        if len(xs) == 0:
            return carry, jnp.zeros((*xs.shape[:-1], features), carry.xs.dtype)
        windows, last = _windows(carry.xs, masked(xs, mask), mask, reset)
        weights = params.w.reshape(-1, features)
        return LastInputs(last), masked(phi(dot(windows, weights) + params.b), mask)

    net = Net(init, lambda input_size: features, initial, apply, with_unroll=lambda unroll: net)
    return net


def _check(params, carry, xs):
    kernel, width = params.w.shape[:2]
    if xs.shape[-1] != width:
        refuse_width(width, xs.shape)
    if not isinstance(carry, LastInputs):
        raise ValueError(f"carry: expected {LastInputs.__name__}, got {kind(carry)}; {HINT}")
    expected = (*xs.shape[1:-1], kernel - 1, width)
    if jnp.shape(carry.xs) != expected:
        raise ValueError(f"carry: expected shape {expected}, got {jnp.shape(carry.xs)}; {HINT}")


def _windows(last, xs, mask, reset):
    """Returns (the last `kernel` valid inputs of every step [T, B, kernel D], the last kernel - 1 after all steps)."""
    before, past = jnp.moveaxis(last, -2, 0), last.shape[-2]
    history = jnp.concatenate([before, xs.astype(last.dtype)])
    valid = jnp.ones(xs.shape[:-1], bool) if mask is None else mask
    count = jnp.cumsum(valid, axis=0)  # valid steps up to each step, with itself
    begin = jnp.full_like(count, -past)  # the first valid step that counts; those of the carry are below zero
    if reset is not None:
        begin = lax.cummax(jnp.where(reset, count - valid, -past), axis=0)
    if mask is not None:  # the valid steps in order, then the others
        order = jnp.argsort(~valid, axis=0, stable=True)
        history = jnp.concatenate([before, jnp.take_along_axis(history[past:], order[..., None], axis=0)])

    def ago(steps, count, begin):
        """Returns the valid input `steps` before the newest of `count` valid ones, or zero before `begin`."""
        index = count - 1 - steps
        inputs = jnp.take_along_axis(history, jnp.maximum(index + past, 0)[..., None], axis=0)
        return jnp.where((index >= begin)[..., None], inputs, 0)

    taps = [ago(steps, count, begin) for steps in range(past, -1, -1)]
    ends = [ago(steps, count[-1:], begin[-1:])[0] for steps in range(past - 1, -1, -1)]
    after = jnp.stack(ends, axis=-2) if ends else last
    return jnp.concatenate(taps, axis=-1), after


def frontend_layers(frontend, features, kernel):
    """Returns the nets in front of the recurrent layers: a list of one or none.

    Args:
      frontend: "conv", or None.
      features, kernel: as in `convolution`; None for its defaults.

    Raises:
      ValueError: if `features` or `kernel` is given without a frontend.
    """
    for name, value in (("features", features), ("kernel", kernel)):
        if frontend is None and value is not None:
            raise ValueError(f"model.frontend_{name}={value} needs model.frontend=conv, which is not set")
    if frontend is None:
        return []
    return [convolution(FEATURES if features is None else features, KERNEL if kernel is None else kernel)]
