"""Similarity of two networks: of their states (linear CKA, Procrustes) and of their dynamics (DSA)."""

import jax
import jax.numpy as jnp
import numpy as np
import optax


def linear_cka(x, y):
    """Returns the linear centred kernel alignment of states x [T, n] and y [T, m] (Kornblith et al. 2019, eq. 5).

    It is 1 if one is a rotated and scaled copy of the other, and 0 if they are uncorrelated.
    """
    x, y = (a - a.mean(axis=0) for a in (x, y))
    shared = np.linalg.norm(x.T @ y) ** 2
    return float(shared / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def procrustes(x, y):
    """Returns the angle, in radians, between states x [T, n] and y [T, m] after the best rotation of y onto x.

    Williams et al. 2021. Both are first centred and scaled to norm one. The angle is 0 for a rotated and scaled copy,
    and pi / 2 for states that are uncorrelated.
    """
    x, y = (a - a.mean(axis=0) for a in (x, y))
    overlap = np.linalg.norm(x.T @ y, "nuc") / (np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.arccos(np.clip(overlap, -1.0, 1.0)))


def dynamics_matrix(states, delays, rank):
    """Fits the linear map that advances delay vectors of the states by one step (dynamic mode decomposition).

    Args:
      states: [T, B, n].
      delays: number of steps in a delay vector, including the present one.
      rank: r, the number of principal directions in which the map is fitted.

    Returns:
      The map [r, r] in whitened coordinates.
    """
    steps = len(states) - delays + 1
    centred = states - states.mean(axis=(0, 1))
    delayed = np.concatenate([centred[d : d + steps] for d in range(delays)], axis=-1)
    flat = delayed.reshape(-1, delayed.shape[-1])
    _, scale, directions = np.linalg.svd(flat, full_matrices=False)
    is_significant = scale[:rank] > 1e-10 * scale[0]
    reduced = delayed @ (directions[:rank][is_significant].T / scale[:rank][is_significant])
    before, after = (a.reshape(-1, reduced.shape[-1]) for a in (reduced[:-1], reduced[1:]))
    fitted = np.linalg.lstsq(before, after, rcond=None)[0].T
    padded = np.zeros((rank, rank))
    padded[: len(fitted), : len(fitted)] = fitted
    return padded


def dsa(a, b, starts=8, iterations=1000, rate=0.05):
    """Dynamical similarity analysis: returns the angle, in radians, between the two linear maps of each pair.

    The angle is min over orthogonal C of arccos(<A, C B C^T> / (|A| |B|)) (Ostrow et al. 2023, eq. 6). Gradient descent
    searches the minimum over Cayley's parametrization, from several starts in both halves of the orthogonal group
    (rotations and reflections), so the result is an upper bound.

    Args:
      a, b: maps [P, r, r], one pair per row.
      starts: number of starts in each half.
      iterations, rate: number of steps and learning rate of Adam.

    Returns:
      The angles [P].
    """
    r = a.shape[-1]
    keys = jax.random.split(jax.random.key(0), 2 * starts)
    seeds = jax.vmap(lambda key: jnp.linalg.qr(jax.random.normal(key, (r, r), a.dtype))[0])(keys)
    seeds = seeds.at[0].set(jnp.eye(r, dtype=a.dtype))
    signs = jnp.linalg.det(seeds) * jnp.where(jnp.arange(2 * starts) < starts, 1.0, -1.0)  # half of them reflect
    seeds = seeds.at[:, :, 0].multiply(signs[:, None])
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, iterations))

    def overlap(free, seed, first, second):
        skew = free - free.T
        c = seed @ jnp.linalg.solve(jnp.eye(r, dtype=a.dtype) + skew, jnp.eye(r, dtype=a.dtype) - skew)
        return jnp.sum(first * (c @ second @ c.T)) / (jnp.linalg.norm(first) * jnp.linalg.norm(second))

    def best(first, second):
        def descend(seed):
            def step(state, _):
                free, memory = state
                gradient = jax.grad(lambda free: -overlap(free, seed, first, second))(free)
                change, memory = optimizer.update(gradient, memory)
                return (free + change, memory), None

            free = jnp.zeros((r, r), a.dtype)
            (free, _), _ = jax.lax.scan(step, (free, optimizer.init(free)), None, length=iterations)
            return overlap(free, seed, first, second)

        return jnp.arccos(jnp.clip(jnp.max(jax.vmap(descend)(seeds)), -1.0, 1.0))

    return jax.jit(lambda a, b: jax.lax.map(lambda pair: best(*pair), (a, b)))(jnp.asarray(a), jnp.asarray(b))
