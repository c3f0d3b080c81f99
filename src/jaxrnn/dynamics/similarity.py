"""How alike two networks are: their states (linear CKA, Procrustes) and their dynamics (DSA)."""

import jax
import jax.numpy as jnp
import numpy as np
import optax


def linear_cka(x, y):
    """Linear centred kernel alignment of states x [T, n] and y [T, m]: 1 where one is a rotated and scaled copy of the
    other, 0 where they are uncorrelated (Kornblith et al. 2019, eq. 5)."""
    x, y = (a - a.mean(axis=0) for a in (x, y))
    shared = np.linalg.norm(x.T @ y) ** 2
    return float(shared / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def procrustes(x, y):
    """The angle, in radians, between states x [T, n] and y [T, m] once y is rotated onto x as well as can be, both
    centred and of norm one (Williams et al. 2021): 0 for a rotated and scaled copy, pi / 2 where they have nothing in
    common."""
    x, y = (a - a.mean(axis=0) for a in (x, y))
    overlap = np.linalg.norm(x.T @ y, "nuc") / (np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.arccos(np.clip(overlap, -1.0, 1.0)))


def dynamics_matrix(states, delays, rank):
    """The linear map that carries states, seen through their delays, one step on (dynamic mode decomposition).

    Args:
      states: [T, B, n].
      delays: steps of the past, the present among them, that make one vector.
      rank: r, of the principal directions in which the map is fitted.

    Returns:
      [r, r], acting on whitened coordinates.
    """
    steps = len(states) - delays + 1
    centred = states - states.mean(axis=(0, 1))
    delayed = np.concatenate([centred[d : d + steps] for d in range(delays)], axis=-1)
    flat = delayed.reshape(-1, delayed.shape[-1])
    _, scale, directions = np.linalg.svd(flat, full_matrices=False)
    known = scale[:rank] > 1e-10 * scale[0]
    reduced = delayed @ (directions[:rank][known].T / scale[:rank][known])
    before, after = (a.reshape(-1, reduced.shape[-1]) for a in (reduced[:-1], reduced[1:]))
    found = np.linalg.lstsq(before, after, rcond=None)[0].T
    whole = np.zeros((rank, rank))
    whole[: len(found), : len(found)] = found
    return whole


def dsa(a, b, starts=8, iterations=1000, rate=0.05):
    """Dynamical similarity analysis: the angles, in radians, between pairs of linear maps, each pair rotated onto
    each other as well as can be, min over orthogonal C of arccos(<A, C B C^T> / (|A| |B|)) (Ostrow et al. 2023, eq. 6).

    The minimum is looked for by gradient descent over Cayley's parametrisation, from several starts in both halves of
    the orthogonal group; it is an upper bound.

    Args:
      a, b: maps [P, r, r], pair by pair.
      starts: of each half.
      iterations, rate: of Adam.

    Returns:
      [P].
    """
    r = a.shape[-1]
    keys = jax.random.split(jax.random.key(0), 2 * starts)
    seeds = jax.vmap(lambda key: jnp.linalg.qr(jax.random.normal(key, (r, r), a.dtype))[0])(keys)
    seeds = seeds.at[0].set(jnp.eye(r, dtype=a.dtype))
    signs = jnp.linalg.det(seeds) * jnp.where(jnp.arange(2 * starts) < starts, 1.0, -1.0)  # half of them reflect
    seeds = seeds.at[:, :, 0].multiply(signs[:, None])
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, iterations))

    def overlap(free, seed, one, two):
        skew = free - free.T
        c = seed @ jnp.linalg.solve(jnp.eye(r, dtype=a.dtype) + skew, jnp.eye(r, dtype=a.dtype) - skew)
        return jnp.sum(one * (c @ two @ c.T)) / (jnp.linalg.norm(one) * jnp.linalg.norm(two))

    def best(one, two):
        def descend(seed):
            def step(state, _):
                free, memory = state
                gradient = jax.grad(lambda free: -overlap(free, seed, one, two))(free)
                change, memory = optimizer.update(gradient, memory)
                return (free + change, memory), None

            free = jnp.zeros((r, r), a.dtype)
            (free, _), _ = jax.lax.scan(step, (free, optimizer.init(free)), None, length=iterations)
            return overlap(free, seed, one, two)

        return jnp.arccos(jnp.clip(jnp.max(jax.vmap(descend)(seeds)), -1.0, 1.0))

    return jax.jit(lambda a, b: jax.lax.map(lambda pair: best(*pair), (a, b)))(jnp.asarray(a), jnp.asarray(b))
