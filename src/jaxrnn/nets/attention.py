"""Attention of a decoder over an encoder's outputs: Luong's after the recurrence, Bahdanau's inside it.

Both score each of the encoder's outputs m_s against the decoder's state and average them over the valid source steps:

    a_ts = softmax_s(score(h, m_s)),    c_t = sum_s a_ts m_s.

The encoder's outputs are called the memory. They are part of the decoder's carry, `Attended`, and stay constant.
"""

from typing import NamedTuple, Unpack

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxrnn.arguments import checked
from jaxrnn.cells.step import carry_dtype, dot
from jaxrnn.initializers import glorot
from jaxrnn.nets.layers import masked
from jaxrnn.nets.recurrent_layer import RandomOptions, keyed, randomized
from jaxrnn.types import Carry, Cell, Net, Params, Size, Unroll
from jaxrnn.unroll.cell_derivatives import with_written_derivative
from jaxrnn.unroll.contract import scan


class Attended(NamedTuple):
    """Carry of a net with attention.

    Fields:
      carry: the carry of the net itself.
      memory: [B, S, M], the encoder's outputs.
      valid: [B, S], true at the valid source steps, false at padding.
    """

    carry: Carry
    memory: jax.Array
    valid: jax.Array


class LuongParams(NamedTuple):
    net: Params
    w_a: jax.Array  # [H, M]
    w_c: jax.Array  # [M + H, K]


class BahdanauParams(NamedTuple):
    cell: Params
    w_s: jax.Array  # [H, A], applied to the decoder's state
    w_m: jax.Array  # [M, A], applied to the memory
    v: jax.Array  # [A]


class Remembered(NamedTuple):
    """Params of a cell with attention, together with the memory."""

    params: BahdanauParams
    memory: jax.Array  # [B, S, M]
    keys: jax.Array  # [B, S, A], memory W_m
    valid: jax.Array  # [B, S]


class AttentiveCarry(NamedTuple):
    carry: Carry
    h: jax.Array  # [B, H], the last output, used by the next score


@checked
def luong(net: Net, memory_size: Size, output_size: Size) -> Net:
    """Global attention with the score h_t W_a m_s (Luong, Pham & Manning 2015, eqs. 5 to 8, "general").

    ys_t = tanh([c_t, h_t] W_c). The context is not an input of the next step, so the recurrent layers run over the
    whole sequence first, with any unroll.

    Args:
      net: the decoder's recurrent layers, a causal `Net`.
      memory_size: M, the width of the encoder's outputs.
      output_size: K.

    Returns:
      A net whose `attention` computes the weights a [T, B, S].
    """
    draw = glorot()

    def init(key, input_size):
        keys, size = jax.random.split(key, 3), net.width(input_size)
        w_a, w_c = draw(keys[1], (size, memory_size)), draw(keys[2], (memory_size + size, output_size))
        return LuongParams(net.init(keys[0], input_size), w_a, w_c)

    def initial(params, batch_shape):
        return _without_memory(net.initial(params.net, batch_shape), batch_shape, memory_size, params.w_a)

    def run(params, attended, xs, mask=None, reset=None, key=None):
        carry, hs = net.apply(params.net, attended.carry, xs, mask=mask, reset=reset, key=key)
        scores = jnp.einsum("t...m,...sm->t...s", dot(hs, params.w_a), attended.memory)
        return carry, hs, attention_weights(scores, attended.valid)

    def apply(params, attended, xs, *, mask=None, reset=None, key=None):
        carry, hs, weights = run(params, attended, xs, mask, reset, key)
        context = jnp.einsum("t...s,...sm->t...m", weights, attended.memory)
        ys = jnp.tanh(dot(jnp.concatenate([context, hs], axis=-1), params.w_c))
        return attended._replace(carry=carry), masked(ys, mask)

    return Net(
        init,
        lambda input_size: output_size,
        initial,
        apply,
        with_unroll=lambda unroll: luong(net.with_unroll(unroll), memory_size, output_size),
        vocabulary=net.vocabulary,
        attention=lambda params, attended, xs: run(params, attended, xs)[2],
    )


@checked
def bahdanau(cell: Cell, memory_size: Size, size: Size, unroll: Unroll = scan, **random: Unpack[RandomOptions]) -> Net:
    """Additive attention inside a recurrent layer (Bahdanau, Cho & Bengio 2015, appendix A.1.2).

    score = v . tanh(h_{t-1} W_s + m_s W_m). The cell's input is [x_t, c_t], and the net's output is [h_t, c_t].

    Args:
      cell: the decoder's cell.
      memory_size: M, the width of the encoder's outputs.
      size: A, the width of the score's hidden layer.
      unroll: as in `recurrent`.
      random: `dropout`, `zoneout` and `noise`, as in `recurrent`.

    Returns:
      A net whose `attention` computes the weights a [T, B, S], always with the plain scan.
    """
    cell, draw = with_written_derivative(cell), glorot()

    def init(key, input_size):
        keys = jax.random.split(key, 4)
        return BahdanauParams(
            cell.init(keys[0], input_size + memory_size),
            draw(keys[1], (cell.size, size)),
            draw(keys[2], (memory_size, size)),
            draw(keys[3], (size, 1))[:, 0],
        )

    def initial(params, batch_shape):
        return _without_memory(_initial_carry(cell, params, batch_shape), batch_shape, memory_size, params.w_s)

    def run(unroll, output, params, attended, xs, mask=None, reset=None, key=None):
        inner, cell_params, drawn = randomized(cell, params.cell, xs, key, **random)
        attending = _attention_cell(inner, memory_size, xs.shape[-1], output)
        keys = dot(attended.memory, params.w_m)
        remembered = Remembered(params._replace(cell=cell_params), attended.memory, keys, attended.valid)
        return keyed(unroll, key)(attending, remembered, attended.carry, drawn, mask=mask, reset=reset)

    def apply(params, attended, xs, *, mask=None, reset=None, key=None):
        carry, ys = run(unroll, _with_context, params, attended, xs, mask=mask, reset=reset, key=key)
        return attended._replace(carry=carry), ys

    return Net(
        init,
        lambda input_size: cell.size + memory_size,
        initial,
        apply,
        with_unroll=lambda unroll: bahdanau(cell, memory_size, size, unroll, **random),
        attention=lambda params, attended, xs: run(scan, _weights_only, params, attended, xs)[1],
    )


def attention_weights(scores: ArrayLike, valid: ArrayLike) -> jax.Array:
    """Softmax over the valid source steps: scores [..., B, S], valid [B, S] -> [..., B, S]; zeros if none is valid."""
    scores = jnp.where(valid, scores, -jnp.inf)
    top = jnp.max(scores, axis=-1, keepdims=True)
    exp = jnp.exp(scores - jnp.where(jnp.isfinite(top), top, 0.0))
    total = jnp.sum(exp, axis=-1, keepdims=True)
    return exp / jnp.where(total > 0, total, 1.0)


def _with_context(h, context, weights):
    return jnp.concatenate([h, context.astype(h.dtype)], axis=-1)


def _weights_only(h, context, weights):
    return weights


def _attention_cell(cell, memory_size, input_size, output):
    """Makes the cell with attention from the decoder's cell.

    Args:
      cell: the decoder's cell.
      memory_size: M, the width of the context.
      input_size: number of inputs of the cell before the context; after it come the random draws for the step.
      output: (h_t, c_t, a_t) -> the output of the step.
    """

    def initial(remembered, batch_shape):
        return _initial_carry(cell, remembered.params, batch_shape)

    def step(remembered, carry, x):
        params, memory, keys, valid = remembered
        scores = jnp.tanh(dot(carry.h, params.w_s)[..., None, :] + keys) @ params.v.astype(keys.dtype)
        weights = attention_weights(scores, valid)
        context = jnp.einsum("...s,...sm->...m", weights, memory)
        x, drawn = jnp.split(x, [input_size], axis=-1)
        u = cell.project(params.cell, jnp.concatenate([x, context, drawn], axis=-1))
        new, h = cell.step(params.cell, carry.carry, u)
        return AttentiveCarry(new, h), output(h, context, weights)

    return Cell(cell.size + memory_size, _initialized_by_the_net, initial, lambda remembered, x: x, step)


def _initialized_by_the_net(key, input_size):
    raise NotImplementedError("a net with attention draws the weights of its cell")


def _initial_carry(cell, params, batch_shape):
    h = jnp.zeros((*batch_shape, cell.size), carry_dtype(params.w_s))
    return AttentiveCarry(cell.initial(params.cell, batch_shape), h)


def _without_memory(carry, batch_shape, memory_size, w):
    """Returns the carry before a source was read: a memory of one invalid step."""
    memory = jnp.zeros((*batch_shape, 1, memory_size), carry_dtype(w))
    return Attended(carry, memory, jnp.zeros((*batch_shape, 1), bool))
