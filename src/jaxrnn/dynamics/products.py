"""All singular values of long products of Jacobians, over any number of orders of magnitude.

Multiplied out, such a product loses everything that is smaller than the rounding error of its largest entry. For a
network that forgets, this happens after few steps. Here the scales are stored as logarithms and never multiplied out.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxrnn.arrays import AnyArray

MAX_SWEEPS = 30  # limit for the sweeps of rotations; usually six are enough
LOG_ZERO = -1e30  # stands for the ln of a singular value that is exactly zero, so that scales can be compared


def log_singular_values(js: AnyArray) -> Any:
    """Returns ln of the singular values of the products J_t ... J_1, for every t.

    The product is stored as Q diag(exp(d)) V with Q orthogonal, d descending and V well conditioned. At each step J_t Q
    is decomposed into Q' R. Scaling the columns commutes with this decomposition, so R is split into its diagonal,
    which is added to d in logarithms, and a factor that is multiplied into V (Stewart 1995, "On graded QR
    decompositions of products of matrices"). One-sided Jacobi rotations then find the singular values of
    diag(exp(d)) V, each with full relative precision (Demmel & Veselic 1992).

    Args:
      js: [T, n, n].

    Returns:
      [T, n], descending; minus infinity for a singular value of zero.
    """

    def step(state, j):
        q, d, v = state
        order = jnp.argsort(-d)
        q, d, v = q[:, order], d[order], v[order]
        q, r = jnp.linalg.qr(j @ q)
        size = jnp.abs(jnp.diagonal(r))
        scaled = r * jnp.exp(jnp.minimum(d[None] - d[:, None], 0.0)) / jnp.where(size > 0, size, 1.0)[:, None]
        d = d + jnp.where(size > 0, jnp.log(jnp.where(size > 0, size, 1.0)), LOG_ZERO)
        return (q, d, scaled @ v), (d, scaled @ v)

    n = js.shape[-1]
    start = jnp.eye(n, dtype=js.dtype), jnp.zeros(n, js.dtype), jnp.eye(n, dtype=js.dtype)
    _, (d, v) = lax.scan(step, start, js)
    return jax.vmap(_log_values_by_rotations)(d, v)


def _log_values_by_rotations(s, rows):
    """Returns ln of the singular values of the matrix whose rows are exp(s_i) * rows_i.

    Jacobi rotations make the rows orthogonal in pairs, all pairs of a round at once. Then s_i is the ln of the length
    of row i.
    """
    n = len(s)
    rounds = _pair_rounds(n)

    def rotate(state, pairs):
        s, u, largest_gram = state
        i, j = pairs.T
        first = s[i] >= s[j]
        i, j = jnp.where(first, i, j), jnp.where(first, j, i)
        gram = jnp.sum(u[i] * u[j], axis=1)
        is_oblique = jnp.abs(gram) > jnp.finfo(s.dtype).eps / 4
        safe = jnp.where(is_oblique, jnp.abs(gram), 1.0)
        ratio = jnp.exp(jnp.maximum(s[j] - s[i], -700.0))
        a = (1 - ratio**2) / (2 * safe)
        tangent = jnp.where(is_oblique, -jnp.sign(gram) / (a + jnp.sqrt(ratio**2 + a**2)), 0.0)  # divided by the ratio
        large, small = u[i] - (tangent * ratio**2)[:, None] * u[j], u[j] + tangent[:, None] * u[i]
        cosine = 1 / jnp.sqrt(1 + (tangent * ratio) ** 2)
        for row, rotated in ((i, cosine[:, None] * large), (j, cosine[:, None] * small)):
            norm = jnp.linalg.norm(rotated, axis=1)
            length = jnp.where(norm > 0, norm, 1.0)
            s, u = s.at[row].add(jnp.log(length)), u.at[row].set(rotated / length[:, None])
        return (s, u, jnp.maximum(largest_gram, jnp.max(jnp.abs(gram), initial=0.0))), None

    def sweep(state):
        s, u, _, count = state
        (s, u, largest_gram), _ = lax.scan(rotate, (s, u, jnp.zeros((), s.dtype)), rounds)
        return s, u, largest_gram, count + 1

    def unfinished(state):
        return (state[2] > 10 * n * jnp.finfo(s.dtype).eps) & (state[3] < MAX_SWEEPS)

    norm = jnp.linalg.norm(rows, axis=1)
    length = jnp.where(norm > 0, norm, 1.0)
    state = s + jnp.log(length), rows / length[:, None], jnp.ones((), s.dtype), 0
    s, *_ = lax.while_loop(unfinished, sweep, state) if n > 1 else state
    return jnp.sort(jnp.where(s < LOG_ZERO / 10, -jnp.inf, s))[::-1]


def _pair_rounds(n):
    """Returns all pairs of n rows in rounds, as in a round-robin tournament: [rounds, n // 2, 2].

    The pairs of one round have no row in common.
    """
    players = list(range(n + n % 2))
    rounds = []
    for _ in range(len(players) - 1):
        pairs = zip(players[: len(players) // 2], players[: len(players) // 2 - 1 : -1], strict=True)
        rounds.append([pair for pair in pairs if max(pair) < n])
        players = [players[0], players[-1], *players[1:-1]]
    return jnp.asarray(np.array(rounds).reshape(len(rounds), -1, 2))
