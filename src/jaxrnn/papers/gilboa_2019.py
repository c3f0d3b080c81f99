"""Gilboa, Chang, Chen et al. 2019, "Dynamical isometry and a mean field theory of LSTMs and GRUs", sections 3 and 4.

In a wide LSTM whose recurrent weights have variance s^2 / N and whose gates receive white noise, the growth of a small
change of the state follows from the distribution of a single unit. Let v and u be the mean squares of the change of c
and h of a unit, and U the mean of u over units:

    v' = f^2 v + ((c f_1)^2 + (g i_1)^2 + (i g_1)^2) s^2 U,    u' = (o (1 - tanh(c')^2))^2 v' + (o_1 tanh(c'))^2 s^2 U

where f_1, i_1, g_1 and o_1 are the derivatives of the gates. The bias of the forget gate brings the growth rate near
zero for every scale of the weights.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import lstm
from jaxrnn.initializers import gaussian
from jaxrnn.papers import _curves as curves
from jaxrnn.papers._claims import Claim, Reproduction, at_most
from jaxrnn.papers._mean_field import RELAXATIONS
from jaxrnn.papers._seeds import over_values_and_seeds
from jaxrnn.types import Positive, Size

SCALES, BIASES = (0.5, 1.0, 2.0, 3.0), (0.0, 2.0, 4.0)
SAMPLES, STEPS = 20_000, 100  # samples of an expectation; steps until the state is stationary, then as many to measure


def reproduce(quick: bool = False, units: Size = 200, seeds: Size = 3, noise: Positive = 1.0) -> Reproduction:
    """Compares theory and networks: the growth rate of a small change over scales and biases.

    Args:
      quick: two networks of 120 units, only the smallest and the largest scale.
      units: N.
      seeds: number of networks.
      noise: standard deviation of the white noise that each gate receives from the input.
    """
    scales = SCALES[:: len(SCALES) - 1] if quick else SCALES
    units, seeds = (120, 2) if quick else (units, seeds)
    names = {bias: f"b_f = {bias:g}" for bias in BIASES}
    theory: dict[tuple[float, float], Any] = {(bias, s): _theory(s, bias, noise) for bias in BIASES for s in scales}
    ours = {}
    for bias in BIASES:
        measured = _measure(scales, bias, units, seeds, noise)
        ours |= {(bias, s): of_scale for s, of_scale in zip(scales, measured, strict=True)}
    claims = [
        Claim(f"{names[bias]}, s = {s:g}: growth, nats per step", theory[bias, s], ours[bias, s], tolerance=0.05)
        for bias, s in theory
        if s in (scales[0], scales[-1])
    ]
    farthest = max(abs(np.median(ours[BIASES[-1], s])) for s in scales)
    claims.append(at_most(f"b_f = {BIASES[-1]:g}: growth farthest from zero", 0.1, farthest))

    def draw():
        label = "growth of a change (nats per step)"
        return {"gilboa_2019": curves.theory_figure(scales, theory, ours, names, label)}

    settings = {"N": units, "seeds": seeds, "s": list(scales), "b_f": list(BIASES), "noise": noise}
    differs = [
        "Lines show the theory, points the networks; weights are redrawn at every step, as the theory assumes.",
        "We derived the equations for redrawn weights ourselves; the paper was not available.",
        "Only the LSTM, and nothing is trained: the map of what can be learned is not measured.",
    ]
    return Reproduction("Gilboa et al. 2019, mean field of the LSTM", claims, settings, differs, draw)


def _theory(s, bias, noise):
    rng = np.random.default_rng(0)
    h, c, v, u = (np.zeros(SAMPLES), np.zeros(SAMPLES), np.ones(SAMPLES), np.ones(SAMPLES))
    steps, growth = STEPS + RELAXATIONS * int(np.exp(bias)), []
    for step in range(2 * steps):
        deviation = np.sqrt(s**2 * np.mean(h**2) + noise**2)
        i, f, o = (1 / (1 + np.exp(-(deviation * rng.standard_normal(SAMPLES) + b))) for b in (0.0, bias, 0.0))
        g, through = np.tanh(deviation * rng.standard_normal(SAMPLES)), s**2 * np.mean(u)
        v = f**2 * v + ((c * f * (1 - f)) ** 2 + (g * i * (1 - i)) ** 2 + (i * (1 - g**2)) ** 2) * through
        c = f * c + i * g
        h = o * np.tanh(c)
        u = (o * (1 - np.tanh(c) ** 2)) ** 2 * v + (o * (1 - o) * np.tanh(c)) ** 2 * through
        size = np.mean(v)
        growth += [np.log(size)] if step >= steps else []
        v, u = v / size, u / size
    return np.mean(growth)


def _measure(scales, bias, units, seeds, noise):
    """Measures the mean of ln |delta'|^2 / |delta|^2 of the memory cells, W_h redrawn each step: [scales, seeds]."""
    steps = STEPS + RELAXATIONS * int(np.exp(bias))

    def of_network(s, key):
        cell = lstm.cell(units, forget_bias=bias, recurrent_init=gaussian(s))
        carry = cell.initial(cell.init(key, 1), ())
        delta = jax.tree.map(lambda a: jax.random.normal(jax.random.fold_in(key, 1), a.shape), carry)

        def step(state, key):
            carry, delta = state
            params = cell.init(key, 1)
            u = params.b + noise * jax.random.normal(jax.random.fold_in(key, 1), params.b.shape)
            after, changed = jax.jvp(lambda carry: cell.step(params, carry, u)[0], (carry,), (delta,))
            size = jnp.sum(changed.c**2)
            grown = jnp.log(size / jnp.sum(delta.c**2))
            return (after, jax.tree.map(lambda a: a * jnp.sqrt(units / size), changed)), grown

        _, growth = jax.lax.scan(step, (carry, delta), jax.random.split(key, 2 * steps))
        return jnp.mean(growth[steps:])

    return over_values_and_seeds(of_network, scales, seeds)
