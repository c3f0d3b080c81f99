"""Growth of gradients in wide random networks: ln chi in nats per step, by the equations of Chen et al. 2018."""

import numpy as np

SAMPLES, STEPS = 20_000, 60  # samples of an expectation, and steps until the distribution is stationary
RELAXATIONS = 10  # extra steps for a nearly open gate, in units of its time constant exp(b)


def tanh_theory(s, noise):
    """Computes ln chi of tanh units."""
    z = np.random.default_rng(0).standard_normal(SAMPLES)
    q = 0.5
    for _ in range(STEPS):
        q = np.mean(np.tanh(np.sqrt(s**2 * q + noise**2) * z) ** 2)
    return np.log(s**2 * np.mean(np.cosh(np.sqrt(s**2 * q + noise**2) * z) ** -4.0))


def minimal_theory(s, bias, noise):
    """Computes ln chi of the minimalRNN from samples of the scalar state; W_n has variance 1 / N, W_h has s^2 / N."""
    rng, h = np.random.default_rng(0), np.zeros(SAMPLES)
    steps = STEPS + RELAXATIONS * int(np.exp(bias))
    growth = []
    for step in range(steps):
        n = np.tanh(noise * rng.standard_normal(SAMPLES))
        e = np.sqrt(s**2 * np.mean(h**2) + np.mean(n**2)) * rng.standard_normal(SAMPLES)
        f = 1 / (1 + np.exp(-(e + bias)))
        if step >= steps // 2:
            growth.append(np.mean(f**2) + s**2 * np.mean(((h - n) * f * (1 - f)) ** 2))
        h = f * h + (1 - f) * n
    return np.log(np.mean(growth))
