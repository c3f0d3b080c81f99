"""Zoneout: values of the carry that now and then stay what they were (Krueger et al. 2017)."""

import jax
import jax.numpy as jnp

from jaxrnn.cells._transforms import carry_size, unflat


def expected(cell, rate):
    """The cell as it is evaluated: carry_t = rate carry_{t-1} + (1 - rate) of what the cell makes of it.

    Args:
      cell: a `Cell`.
      rate: probability that a value of the carry stays, in [0, 1).
    """
    return _mixed(cell, cell.project, lambda u: u, lambda carry, u, axes: jax.tree.map(lambda a: rate, carry))


def drawn(cell):
    """The cell as it is trained: its input is [x_t, stay_t], width D + C, ones where a value of the carry stays."""
    width = carry_size(cell)

    def stay(carry, u, axes):
        return unflat(u[1], carry, axes)

    def project(params, x):
        return cell.project(params, x[..., :-width]), x[..., -width:]

    init = lambda key, input_size: cell.init(key, input_size - width)  # noqa: E731
    return _mixed(cell, project, lambda u: u[0], stay)._replace(init=init)


def with_draws(cell, xs, key, rate):
    """The inputs [T, B, D + C] of `drawn`: values stay independently of each other and of other steps.

    Args:
      cell: the cell itself.
      xs: [T, B, D].
      key: one PRNG key a sequence [B].
      rate: probability that a value stays.
    """

    def draw(key):
        return jax.random.bernoulli(key, rate, (len(xs), carry_size(cell))).astype(xs.dtype)

    for _ in range(key.ndim):
        draw = jax.vmap(draw)
    return jnp.concatenate([xs, jnp.moveaxis(draw(key), key.ndim, 0)], axis=-1)


def _mixed(cell, project, input_of, share):
    """The cell whose carry is a mixture of the carry before and after a step; an output that is in it is mixed too."""

    def step(params, carry, u):
        after, h = cell.step(params, carry, input_of(u))
        shares = share(carry, u, h.ndim - 1)
        mixed = jax.tree.map(lambda s, old, new: s * old + (1 - s) * new, shares, carry, after)
        outputs = zip(jax.tree.leaves(after), jax.tree.leaves(mixed), strict=True)
        return mixed, next((new for old, new in outputs if old is h), h)

    gates = None if cell.gates is None else lambda params, carry, u: cell.gates(params, carry, input_of(u))
    return cell._replace(project=project, step=step, gates=gates)
