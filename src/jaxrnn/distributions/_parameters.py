"""Functions that several distributions share."""

import jax
import jax.numpy as jnp

FLOOR = 1e-3  # smallest scale, in the network's units


def split(ys, size):
    """Splits outputs [..., p n] into `size` = p parameters [..., n]."""
    return jnp.split(ys, size, axis=-1)


def join(*parameters):
    """Joins p parameters, broadcast to the shape [..., n] of the first, to outputs [..., p n]."""
    return jnp.concatenate([jnp.broadcast_to(parameter, parameters[0].shape) for parameter in parameters], axis=-1)


def positive(raw):
    """Maps an unbounded output to a scale above `FLOOR`."""
    return jax.nn.softplus(raw) + FLOOR


def raw_of(scale):
    """Inverse of `positive`: the output for a scale."""
    excess = jnp.maximum(jnp.asarray(scale, float) - FLOOR, 1e-6)
    return excess + jnp.log(-jnp.expm1(-excess))


def invert_cdf(cdf, q, low, high):
    """Inverts a cdf at q by 60 bisections between low and high."""

    def halve(_, bounds):
        low, high = bounds
        middle = 0.5 * (low + high)
        below = cdf(middle) < q
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, 60, halve, (low, high))
    return 0.5 * (low + high)
