"""The ways to use a network: step by step, warmed up, left to run on its own output, primed and then left to run.

A whole sequence and its last output need no function of their own: `net.apply` and `nets.last`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from jaxrnn.types import Carry, Net, Params


def step(net: Net, params: Params, carry: Carry, x_t: ArrayLike) -> tuple[Carry, jax.Array]:
    """One step on a stream.

    Args:
      net: a causal `Net`.
      params: its params.
      carry: the carry so far; `net.initial(params, batch_shape)` at first.
      x_t: [B, D].

    Returns:
      (carry, y_t [B, K]).

    Raises:
      ValueError: if the net is not causal.
    """
    _require_causal(net)
    carry, ys = net.apply(params, carry, x_t[None])
    return carry, ys[0]


def warm_up(net: Net, params: Params, carry: Carry, xs: ArrayLike) -> Carry:
    """The carry after a sequence xs [T, B, D] whose outputs are dropped."""
    _require_causal(net)
    return net.apply(params, carry, xs)[0]


def generate(
    net: Net, params: Params, carry: Carry, x_t: ArrayLike, length: int, feedback: Callable[..., Any] = lambda y: y
) -> tuple[Carry, jax.Array]:
    """Free-running generation: every output is the next input.

    Args:
      net: a causal `Net`.
      params: its params.
      carry: the carry before x_t.
      x_t: the first input [B, D].
      length: number of steps.
      feedback: y_t [B, K] -> the next input [B, D].

    Returns:
      (carry, ys [length, B, K]); ys[0] answers x_t.

    Raises:
      ValueError: if the net is not causal, or if an output is no input (K is not D and no feedback is given).
    """
    carry, _, ys = sample(net, params, carry, x_t, length, lambda key, y: feedback(y))
    return carry, ys


def sample(
    net: Net,
    params: Params,
    carry: Carry,
    x_t: ArrayLike,
    length: int,
    draw: Callable[..., Any],
    key: jax.Array | None = None,
    known: Any = None,
    following: Callable[..., Any] | None = None,
) -> tuple[Carry, jax.Array, jax.Array]:
    """Generation where the next input is drawn from the output.

    Args:
      net: a causal `Net`.
      params: its params.
      carry: the carry before x_t.
      x_t: the first input [B, D].
      length: number of steps.
      draw: (key, y_t [B, K]) -> what is drawn [B, V], such as `jaxrnn.nets.draws.categorical(temperature=0.8)`.
      key: PRNG key of all draws; None for draws that need none.
      known: [length, ...], what is known in advance of the step after each; None for nothing.
      following: (x_t [B, D], drawn [B, V], known or None) -> the next input [B, D]; None for the drawn values, with
        what is known [B, D - V] beside them.

    Returns:
      (carry, drawn [length, B, V], ys [length, B, K]); drawn[0] and ys[0] answer x_t.

    Raises:
      ValueError: if the net is not causal, or if what is drawn is no input.
    """
    _require_causal(net)
    x_t = jnp.asarray(x_t)
    keys = None if key is None else jax.random.split(key, length)
    following = _side_by_side if following is None else following

    def run(state, now):
        carry, x = state
        own_key, beside = now
        carry, y = step(net, params, carry, x)
        drawn = draw(own_key, y)
        new = following(x, drawn, beside)
        if new.shape != x.shape:
            raise ValueError(f"generate: an output of shape {new.shape} cannot be an input of shape {x.shape}")
        return (carry, new.astype(x.dtype)), (drawn, y)

    (carry, _), (drawn, ys) = lax.scan(run, (carry, x_t), (keys, known), length=length)
    return carry, drawn, ys


def prime_and_generate(
    net: Net, params: Params, xs: ArrayLike, length: int, feedback: Callable[..., Any] = lambda y: y
) -> tuple[Carry, jax.Array]:
    """Priming with true values, then free-running generation from the initial carry.

    Args:
      net: a causal `Net`.
      params: its params.
      xs: the true values [T, B, D], one at least.
      length: number of steps generated after them.
      feedback: y_t [B, K] -> the next input [B, D].

    Returns:
      (carry, ys [length, B, K]); ys[0] is the prediction of the value after xs.
    """
    carry = warm_up(net, params, net.initial(params, xs.shape[1:-1]), xs[:-1])
    return generate(net, params, carry, xs[-1], length, feedback)


def _side_by_side(x, drawn, beside):
    return drawn if beside is None else jnp.concatenate([drawn, beside.astype(drawn.dtype)], axis=-1)


def _require_causal(net):
    if not net.causal:
        raise ValueError("this network reads the future (bidirectional or reversed), so it cannot run step by step")
