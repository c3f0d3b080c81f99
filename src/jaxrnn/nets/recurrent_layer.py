"""Recurrent layers: `recurrent` makes a `Net` from a `Cell`."""

from typing import TypedDict

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arguments import checked
from jaxrnn.cells.dropout import drop_recurrent
from jaxrnn.cells.transforms import append_drawn, carry_size, perturbed
from jaxrnn.cells.zoneout import append_draws, drawn_zoneout, mean_zoneout
from jaxrnn.keys import fold_in, per_sequence, per_step
from jaxrnn.nets._arguments import check_recurrent
from jaxrnn.nets._wrapping import rewrapped
from jaxrnn.nets.layers import masked
from jaxrnn.types import Cell, Net, NonNegative, Rate, Unroll
from jaxrnn.unroll.cell_derivatives import with_written_derivative
from jaxrnn.unroll.contract import scan, with_key


class RandomOptions(TypedDict, total=False):
    """Options for the random parts of a layer; `recurrent` describes them."""

    dropout: Rate | None
    zoneout: Rate | None
    noise: NonNegative | None


@checked
def recurrent(
    cell: Cell,
    unroll: Unroll = scan,
    reverse: bool = False,
    dropout: Rate | None = None,
    zoneout: Rate | None = None,
    noise: NonNegative | None = None,
) -> Net:
    """Makes a recurrent layer from a cell.

    Dropout, zoneout and noise are drawn only if `Net.apply` gets a key, as in training.

    Args:
      cell: a `Cell`.
      unroll: the result of a factory in `jaxrnn.unroll`; `Net.with_unroll` replaces it.
      reverse: run from the last step to the first; ys keep the order of xs.
      dropout: rate of a dropout mask on the recurrence, the same at all steps (Gal & Ghahramani 2016); None for none.
      zoneout: probability that a value of the carry does not change at a step (Krueger et al. 2017); None for none.
        Without a key each step returns the mean over the draws.
      noise: standard deviation of the noise added to every value of the carry after every step; None for none.
    """
    cell = with_written_derivative(cell)  # before noise or zoneout wraps its step

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        check_recurrent(cell, params, carry, xs, mask, reset)
        run, params, xs = randomized(cell, params, xs, key, dropout, zoneout, noise)
        return keyed(unroll, key)(run, params, carry, xs, mask=mask, reset=reset, reverse=reverse)

    net = Net(
        cell.init,
        lambda input_size: cell.size,
        cell.initial,
        apply,
        with_unroll=lambda unroll: recurrent(cell, unroll, reverse, dropout, zoneout, noise),
        causal=not reverse,
        many_to_one=lambda: first_everywhere(net) if reverse else net,
    )
    return net


def randomized(cell, params, xs, key, dropout=None, zoneout=None, noise=None):
    """Draws the random parts of a layer for a run; `dropout`, `zoneout` and `noise` as in `recurrent`.

    Args:
      cell, params, xs: cell, params and inputs [T, B, D] of the layer.
      key: PRNG keys [B], `jaxrnn.keys.StepKeys`, or None for evaluation.

    Returns:
      (cell, params, xs [T, B, D + E]) to unroll. The E values drawn for each step are appended to its D inputs.
    """
    if zoneout is not None:
        plain = cell
        cell = mean_zoneout(plain, zoneout) if key is None else drawn_zoneout(plain)
    if key is None:
        return cell, params, xs
    if dropout is not None:
        params = drop_recurrent(params, per_sequence(key), dropout)
    if zoneout is not None:
        xs = append_draws(plain, xs, per_step(fold_in(key, 1)), zoneout)
    if noise is not None:
        shape, dtype = (len(xs), carry_size(cell)), xs.dtype
        draw = lambda one_key: noise * jax.random.normal(one_key, shape, dtype)  # noqa: E731
        cell, xs = perturbed(cell), append_drawn(xs, per_step(fold_in(key, 2)), draw)
    return cell, params, xs


def keyed(unroll, key):
    """Returns the unroll with its own keys [B]. The layer's dropout, zoneout and noise use other keys."""
    return with_key(unroll, lambda: per_step(fold_in(key, 3)))


def first_everywhere(net: Net) -> Net:
    """Replaces the net's output at every valid step by its output at the first valid step of the sequence.

    For a net that runs backwards, this output depends on the whole sequence. A `reset` begins a new sequence.
    """

    def apply(params, carry, xs, *, mask=None, reset=None, key=None):
        carry, ys = net.apply(params, carry, xs, mask=mask, reset=reset, key=key)
        return carry, masked(jnp.take_along_axis(ys, _first_valid(ys, mask, reset)[..., None], axis=0), mask)

    return rewrapped(net, first_everywhere, apply=apply, many_to_one=lambda: first_everywhere(net))


def _first_valid(ys, mask, reset):
    """Returns for each step of ys [T, B, K] the first valid step of its sequence: [T, B]."""
    shape = ys.shape[:-1]
    valid = jnp.ones(shape, bool) if mask is None else mask
    times = jnp.broadcast_to(jnp.arange(len(ys)).reshape(-1, *[1] * (ys.ndim - 2)), shape)
    before = jnp.cumsum(valid, axis=0) - valid  # number of valid steps before each step
    before_reset = jnp.zeros_like(before) if reset is None else lax.cummax(jnp.where(reset, before, 0), axis=0)
    return lax.cummax(jnp.where(valid & (before == before_reset), times, 0), axis=0)
