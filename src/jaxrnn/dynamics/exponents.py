"""Lyapunov exponents of a map along a trajectory, quantities derived from them, and a mean-field prediction."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxrnn.arrays import AnyArray


class Exponents(NamedTuple):
    """Lyapunov exponents along a trajectory.

    Fields:
      lam: the exponents [k], in nats per step, in the order of the QR decomposition: descending, once converged.
      rates: [T, k], ln |R_ii| at every step; `lam` is their mean.
      z: [n], the last state of the trajectory.
    """

    lam: jax.Array
    rates: jax.Array
    z: jax.Array


def lyapunov(
    f: Callable[..., Any], z_0: Any, xs: Any, k: int | None = None, warm_up: int = 0, key: jax.Array | None = None
) -> Exponents:
    """Computes the k largest Lyapunov exponents along a trajectory, with a QR decomposition per step.

    Benettin et al. 1980. For any length, the sum of all n exponents is the mean of ln |det J_t| over the same steps.
    The exponents are differentiable with respect to everything that f depends on (Engelken 2023, "Gradient flossing").

    Args:
      f: map (z [n], x) -> z'.
      z_0: the first state [n].
      xs: inputs [warm_up + T, D].
      k: number of exponents; None for n.
      warm_up: number of first steps that are not counted, in which the trajectory and the k tangent vectors settle.
      key: PRNG key for random first tangent vectors; None for the coordinate axes.

    Returns:
      `Exponents`.
    """
    n = z_0.size
    frame = jnp.eye(n, dtype=z_0.dtype) if key is None else jax.random.normal(key, (n, n), z_0.dtype)
    frame = jnp.linalg.qr(frame)[0][:, :k]

    def step(state, x):
        z, q = state
        z_next, push = jax.linearize(lambda z: f(z, x), z)
        q, r = jnp.linalg.qr(jax.vmap(push, in_axes=1, out_axes=1)(q))
        return (z_next, q), jnp.log(jnp.abs(jnp.diagonal(r)))

    (z, _), rates = lax.scan(step, (z_0, frame), xs)
    rates = rates[warm_up:]
    return Exponents(jnp.mean(rates, axis=0), rates, z)


def standard_error(rates: AnyArray, blocks: int = 10) -> jax.Array:
    """Returns the standard error [k] of the mean of rates [T, k].

    It comes from the means of blocks of steps, because the rates of neighbouring steps are correlated.

    Args:
      rates: [T, k].
      blocks: number of blocks.
    """
    size = max(len(rates) // blocks, 1)
    means = rates[: len(rates) // size * size].reshape(-1, size, *rates.shape[1:]).mean(axis=1)
    return means.std(axis=0, ddof=1) / jnp.sqrt(len(means))


def kaplan_yorke(lam: AnyArray) -> Any:
    """Returns the Kaplan-Yorke dimension of a spectrum [n]: j + (lam_1 + ... + lam_j) / |lam_{j+1}|.

    j is the last index at which the sum is not negative. The dimension is n if no sum is negative.
    """
    lam = jnp.sort(lam)[::-1]
    sums = jnp.cumsum(lam)
    j = jnp.sum(jnp.cumprod(sums >= 0))
    before = jnp.where(j > 0, sums[jnp.maximum(j - 1, 0)], 0.0)
    return jnp.where(j == len(lam), 1.0 * len(lam), j + before / jnp.abs(lam[jnp.minimum(j, len(lam) - 1)]))


def entropy(lam: AnyArray) -> Any:
    """Returns the sum of the positive exponents of [n], in nats per step: the entropy rate by Pesin's identity."""
    return jnp.sum(jnp.maximum(lam, 0.0))


def mean_field_exponent(gain: float | jax.Array) -> jax.Array:
    """Returns the largest exponent of x' = J tanh(x) in the limit of N units, N to infinity.

    J has independent normal entries of variance g^2 / N with the gain g. For g > 1 the exponent is
    ln g + ln E[sech^4(sqrt(q) z)] / 2 with q = g^2 E[tanh^2(sqrt(q) z)] over a standard normal z. For g <= 1 the origin
    is stable and the exponent is ln g (Sompolinsky, Crisanti & Sommers 1988, in discrete time).
    """
    z = jnp.linspace(-8.0, 8.0, 4001)
    weights = jnp.exp(-(z**2) / 2)
    weights /= weights.sum()

    def mean(values):
        return jnp.sum(weights * values)

    q = lax.fori_loop(0, 2000, lambda _, q: gain**2 * mean(jnp.tanh(jnp.sqrt(q) * z) ** 2), 1.0 * gain**2)
    chaotic = jnp.log(gain) + jnp.log(mean(jnp.cosh(jnp.sqrt(q) * z) ** -4.0)) / 2
    return jnp.where(gain > 1, chaotic, jnp.log(gain))
