"""Zoneout: at random steps, values of the carry keep their previous value (Krueger et al. 2017)."""

import jax

from jaxrnn.cells.transforms import append_drawn, carry_size, output_of, unflat


def mean_zoneout(cell, rate):
    """Returns the cell for evaluation: its carry is rate * (carry before) + (1 - rate) * (carry after the step).

    Args:
      cell: a `Cell`.
      rate: probability that a value of the carry stays, in [0, 1).
    """
    return _mixed(cell, cell.project, lambda u: u, lambda carry, u, axes: jax.tree.map(lambda a: rate, carry))


def drawn_zoneout(cell):
    """Returns the cell for training: its input is [x_t, stay_t], width D + C, one where a value of the carry stays."""
    width = carry_size(cell)

    def stay(carry, u, axes):
        return unflat(u[1], carry, axes)

    def project(params, x):
        return cell.project(params, x[..., :-width]), x[..., -width:]

    init = lambda key, input_size: cell.init(key, input_size - width)  # noqa: E731
    return _mixed(cell, project, lambda u: u[0], stay)._replace(init=init)


def append_draws(cell, xs, key, rate):
    """Returns the inputs [T, B, D + C] of `drawn_zoneout`, with independent draws for every value and step.

    Args:
      cell: the cell itself.
      xs: [T, B, D].
      key: one PRNG key per sequence [B].
      rate: probability that a value stays.
    """

    def draw(key):
        return jax.random.bernoulli(key, rate, (len(xs), carry_size(cell))).astype(xs.dtype)

    return append_drawn(xs, key, draw)


def _mixed(cell, project, input_of, share):
    """Returns the cell whose carry mixes the carry before and after a step; an output in the carry is mixed too."""

    def step(params, carry, u):
        after, h = cell.step(params, carry, input_of(u))
        shares = share(carry, u, h.ndim - 1)
        mixed = jax.tree.map(lambda s, old, new: s * old + (1 - s) * new, shares, carry, after)
        return mixed, output_of(mixed, after, h)

    gates = None if cell.gates is None else lambda params, carry, u: cell.gates(params, carry, input_of(u))
    return cell._replace(project=project, step=step, gates=gates)
