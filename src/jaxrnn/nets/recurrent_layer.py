"""A recurrent layer: the only way from a `Cell` to a `Net`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.cells import _zoneout
from jaxrnn.cells._dropout import drop_recurrent
from jaxrnn.cells._transforms import carry_size, perturbed
from jaxrnn.keys import fold_in, per_sequence, per_step
from jaxrnn.nets._arguments import check_recurrent
from jaxrnn.nets.layers import masked
from jaxrnn.types import Cell, Net, NonNegative, Rate
from jaxrnn.unroll._cell_derivatives import with_written_derivative
from jaxrnn.unroll._contract import scan


@checked
def recurrent(
    cell: Cell,
    unroll: Callable[..., Any] = scan,
    reverse: bool = False,
    dropout: Rate | None = None,
    zoneout: Rate | None = None,
    noise: NonNegative | None = None,
) -> Net:
    """A layer of recurrent units: the only way from a `Cell` to a `Net`.

    Args:
      cell: a `Cell`.
      unroll: what an `unroll` of `jaxrnn.unroll` returns; `Net.unrolled` sets another.
      reverse: run from the last step to the first; ys stay in the order of xs.
      dropout: rate of a dropout mask on the recurrence that stays the same over time (Gal & Ghahramani 2016), active
        when a key is given; None for none.
      zoneout: probability that a value of the carry stays what it was at a step (Krueger et al. 2017), drawn when a key
        is given; without one the carry is the mean over the draws of that step. None for none.
      noise: standard deviation of what is added to every value of the carry after every step, drawn independently when
        a key is given; None for none.
    """
    cell = with_written_derivative(cell)  # before noise or zoneout wraps its step

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        check_recurrent(cell, params, carry, xs, mask, reset)
        run, params, xs = randomized(cell, params, xs, key, dropout, zoneout, noise)
        return unroll(run, params, carry, xs, mask=mask, reset=reset, reverse=reverse)

    net = Net(
        cell.init,
        lambda input_size: cell.size,
        cell.initial,
        apply,
        unrolled=lambda unroll: recurrent(cell, unroll, reverse, dropout, zoneout, noise),
        causal=not reverse,
        many_to_one=lambda: first_everywhere(net) if reverse else net,
    )
    return net


def randomized(cell, params, xs, key, dropout=None, zoneout=None, noise=None):
    """A layer with what is random in it drawn; arguments as of `recurrent`.

    Args:
      cell, params, xs: of the layer, xs [T, B, D].
      key: PRNG keys [B], `jaxrnn.keys.StepKeys`, or None for the layer as it is evaluated.

    Returns:
      (cell, params, xs [T, B, D + E]) to unroll; what was drawn for each step stands behind its inputs.
    """
    if zoneout is not None:
        plain = cell
        cell = _zoneout.expected(plain, zoneout) if key is None else _zoneout.drawn(plain)
    if key is None:
        return cell, params, xs
    if dropout is not None:
        params = drop_recurrent(params, per_sequence(key), dropout)
    if zoneout is not None:
        xs = _zoneout.with_draws(plain, xs, per_step(fold_in(key, 1)), zoneout)
    if noise is not None:
        width = carry_size(cell)
        cell, xs = perturbed(cell), _with_noise(xs, per_step(fold_in(key, 2)), noise, width)
    return cell, params, xs


def first_everywhere(net: Net) -> Net:
    """The net whose output at every valid step is its output at the first valid one of the sequence.

    Of a net that runs backwards that is the output that has seen the whole sequence. A `reset` begins a sequence.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        carry, ys = net.apply(params, carry, xs, mask=mask, reset=reset, key=key)
        return carry, masked(jnp.take_along_axis(ys, _first_valid(ys, mask, reset)[..., None], axis=0), mask)

    return net._replace(
        apply=apply,
        unrolled=lambda unroll: first_everywhere(net.unrolled(unroll)),
        many_to_one=lambda: first_everywhere(net),
    )


def _first_valid(ys, mask, reset):
    """[T, B], the first valid step of the sequence that each step of ys [T, B, K] belongs to."""
    shape = ys.shape[:-1]
    valid = jnp.ones(shape, bool) if mask is None else mask
    times = jnp.broadcast_to(jnp.arange(len(ys)).reshape(-1, *[1] * (ys.ndim - 2)), shape)
    before = jnp.cumsum(valid, axis=0) - valid  # valid steps before each one
    begun = jnp.zeros_like(before) if reset is None else lax.cummax(jnp.where(reset, before, 0), axis=0)
    return lax.cummax(jnp.where(valid & (before == begun), times, 0), axis=0)


def _with_noise(xs, key, deviation, width):
    """Inputs [T, B, D + C] of a `perturbed` cell whose carry has C values."""

    def draw(key):
        return deviation * jax.random.normal(key, (len(xs), width), xs.dtype)

    for _ in range(key.ndim):
        draw = jax.vmap(draw)
    return jnp.concatenate([xs, jnp.moveaxis(draw(key), key.ndim, 0)], axis=-1)
