"""Runs a network step by step, through a warm-up, or freely on its own outputs.

For a whole sequence use `net.apply`, for its last output `nets.last`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arrays import AnyArray
from jaxrnn.types import Carry, Net, Params


def step(net: Net, params: Params, carry: Carry, x_t: AnyArray) -> tuple[Carry, jax.Array]:
    """Runs one step, for data that arrive as a stream.

    Args:
      net: a causal `Net`.
      params: its params.
      carry: the carry of the step before; `net.initial(params, batch_shape)` at first.
      x_t: [B, D].

    Returns:
      (carry, y_t [B, K]).

    Raises:
      ValueError: if the net is not causal.
    """
    _require_causal(net)
    carry, ys = net.apply(params, carry, x_t[None])
    return carry, ys[0]


def warm_up(net: Net, params: Params, carry: Carry, xs: AnyArray) -> Carry:
    """Returns the carry after a sequence; the outputs are dropped.

    Args:
      net: a `Net`.
      params: its params.
      carry: the carry before the sequence.
      xs: the inputs [T, B, D].
    """
    _require_causal(net)
    return net.apply(params, carry, xs)[0]


def generate(
    net: Net, params: Params, carry: Carry, x_t: AnyArray, length: int, feedback: Callable[..., Any] = lambda y: y
) -> tuple[Carry, jax.Array]:
    """Generates a sequence freely: each output is the next input.

    Args:
      net: a causal `Net`.
      params: its params.
      carry: the carry before x_t.
      x_t: the first input [B, D].
      length: number of steps.
      feedback: y_t [B, K] -> the next input [B, D].

    Returns:
      (carry, ys [length, B, K]); ys[0] is the output for x_t.

    Raises:
      ValueError: if the net is not causal, or if an output cannot be an input (K is not D, and no feedback is given).
    """
    carry, _, ys = sample(net, params, carry, x_t, length, lambda key, y: feedback(y))
    return carry, ys


def sample(
    net: Net,
    params: Params,
    carry: Carry,
    x_t: AnyArray,
    length: int,
    draw: Callable[..., Any],
    key: jax.Array | None = None,
    known: Any = None,
    following: Callable[..., Any] | None = None,
) -> tuple[Carry, jax.Array, jax.Array]:
    """Generates a sequence whose next input is drawn from the output.

    Args:
      net: a causal `Net`.
      params: its params.
      carry: the carry before x_t.
      x_t: the first input [B, D].
      length: number of steps.
      draw: (key, y_t [B, K]) -> drawn values [B, V], such as `jaxrnn.nets.draws.categorical(temperature=0.8)`.
      key: PRNG key of all draws; None if `draw` needs no key.
      known: [length, ...], for each step the future covariates of the next one; None for none.
      following: (x_t [B, D], drawn [B, V], known or None) -> the next input [B, D]. None concatenates the drawn values
        and the covariates [B, D - V].

    Returns:
      (carry, drawn [length, B, V], ys [length, B, K]); drawn[0] and ys[0] belong to x_t.

    Raises:
      ValueError: if the net is not causal, or if the drawn values cannot be an input.
    """
    _require_causal(net)
    x_t = jnp.asarray(x_t)
    keys = None if key is None else jax.random.split(key, length)
    following = _side_by_side if following is None else following

    def run(state, inputs):
        carry, x = state
        step_key, covariates = inputs
        carry, y = step(net, params, carry, x)
        drawn = draw(step_key, y)
        x_next = following(x, drawn, covariates)
        if x_next.shape != x.shape:
            raise ValueError(f"generate: an output of shape {x_next.shape} cannot be an input of shape {x.shape}")
        return (carry, x_next.astype(x.dtype)), (drawn, y)

    (carry, _), (drawn, ys) = lax.scan(run, (carry, x_t), (keys, known), length=length)
    return carry, drawn, ys


def prime_and_generate(
    net: Net, params: Params, xs: AnyArray, length: int, feedback: Callable[..., Any] = lambda y: y
) -> tuple[Carry, jax.Array]:
    """Warms the net up on true values, from the initial carry, and then generates freely.

    Args:
      net: a causal `Net`.
      params: its params.
      xs: the true values [T, B, D], at least one step.
      length: number of generated steps.
      feedback: y_t [B, K] -> the next input [B, D].

    Returns:
      (carry, ys [length, B, K]); ys[0] predicts the value after xs.
    """
    carry = warm_up(net, params, net.initial(params, xs.shape[1:-1]), xs[:-1])
    return generate(net, params, carry, xs[-1], length, feedback)


def _side_by_side(x, drawn, covariates):
    return drawn if covariates is None else jnp.concatenate([drawn, covariates.astype(drawn.dtype)], axis=-1)


def _require_causal(net):
    if not net.causal:
        raise ValueError("this network reads the future (bidirectional or reversed), so it cannot run step by step")
