"""Singular values of long products of Jacobians, all of them, however many orders of magnitude they span.

A product that is multiplied out loses whatever is smaller than the rounding of its largest entry, after few steps of a
network that forgets. Here scales are kept as logarithms and are never multiplied out.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

SWEEPS = 30  # of rotations at most; six are common
GONE = -1e30  # ln of a singular value that is exactly zero, while scales are compared


def log_singular_values(js: ArrayLike) -> Any:
    """ln of the singular values of the products J_t ... J_1, for every t.

    The product is held as Q diag(exp(d)) V, Q orthogonal, d descending and V well conditioned: a QR decomposition takes
    each J_t Q apart, and column scaling commutes with it (Stewart 1995, "On graded QR decompositions of products of
    matrices"). The singular values of diag(exp(d)) V are found by one-sided Jacobi rotations, which keep the relative
    precision of every one of them (Demmel & Veselic 1992).

    Args:
      js: [T, n, n].

    Returns:
      [T, n], descending; minus infinity for zero.
    """

    def step(state, j):
        q, d, v = state
        order = jnp.argsort(-d)
        q, d, v = q[:, order], d[order], v[order]
        q, r = jnp.linalg.qr(j @ q)
        size = jnp.abs(jnp.diagonal(r))
        scaled = r * jnp.exp(jnp.minimum(d[None] - d[:, None], 0.0)) / jnp.where(size > 0, size, 1.0)[:, None]
        d = d + jnp.where(size > 0, jnp.log(jnp.where(size > 0, size, 1.0)), GONE)
        return (q, d, scaled @ v), (d, scaled @ v)

    n = js.shape[-1]
    start = jnp.eye(n, dtype=js.dtype), jnp.zeros(n, js.dtype), jnp.eye(n, dtype=js.dtype)
    _, (d, v) = lax.scan(step, start, js)
    return jax.vmap(_by_rotations)(d, v)


def _by_rotations(s, rows):
    """ln of the singular values of the matrix with the rows exp(s_i) times `rows`: they are made orthogonal by pairs,
    all pairs of a round at once."""
    n = len(s)
    rounds = _rounds(n)

    def rotate(state, pairs):
        s, u, worst = state
        i, j = pairs.T
        first = s[i] >= s[j]
        i, j = jnp.where(first, i, j), jnp.where(first, j, i)
        gram = jnp.sum(u[i] * u[j], axis=1)
        some = jnp.abs(gram) > jnp.finfo(s.dtype).eps / 4
        safe = jnp.where(some, jnp.abs(gram), 1.0)
        ratio = jnp.exp(jnp.maximum(s[j] - s[i], -700.0))
        a = (1 - ratio**2) / (2 * safe)
        tangent = jnp.where(some, -jnp.sign(gram) / (a + jnp.sqrt(ratio**2 + a**2)), 0.0)  # over the ratio
        large, small = u[i] - (tangent * ratio**2)[:, None] * u[j], u[j] + tangent[:, None] * u[i]
        cosine = 1 / jnp.sqrt(1 + (tangent * ratio) ** 2)
        for place, moved in ((i, cosine[:, None] * large), (j, cosine[:, None] * small)):
            norm = jnp.linalg.norm(moved, axis=1)
            grown = jnp.where(norm > 0, norm, 1.0)
            s, u = s.at[place].add(jnp.log(grown)), u.at[place].set(moved / grown[:, None])
        return (s, u, jnp.maximum(worst, jnp.max(jnp.abs(gram), initial=0.0))), None

    def sweep(state):
        s, u, _, count = state
        (s, u, worst), _ = lax.scan(rotate, (s, u, jnp.zeros((), s.dtype)), rounds)
        return s, u, worst, count + 1

    def unfinished(state):
        return (state[2] > 10 * n * jnp.finfo(s.dtype).eps) & (state[3] < SWEEPS)

    norm = jnp.linalg.norm(rows, axis=1)
    grown = jnp.where(norm > 0, norm, 1.0)
    state = s + jnp.log(grown), rows / grown[:, None], jnp.ones((), s.dtype), 0
    s, *_ = lax.while_loop(unfinished, sweep, state) if n > 1 else state
    return jnp.sort(jnp.where(s < GONE / 10, -jnp.inf, s))[::-1]


def _rounds(n):
    """All pairs of n rows, as rounds of pairs that share no row: [rounds, n // 2, 2] (a round-robin tournament)."""
    players = list(range(n + n % 2))
    found = []
    for _ in range(len(players) - 1):
        pairs = zip(players[: len(players) // 2], players[: len(players) // 2 - 1 : -1], strict=True)
        found.append([pair for pair in pairs if max(pair) < n])
        players = [players[0], players[-1], *players[1:-1]]
    return jnp.asarray(np.array(found).reshape(len(found), -1, 2))
