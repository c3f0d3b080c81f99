"""Chen, Pennington & Schoenholz 2018, "Dynamical isometry and a mean field theory of RNNs: gating enables signal
propagation in recurrent neural networks", sections 3 and 4.

In wide random networks the mean squared growth of a gradient over one step follows in closed form from the distribution
of the state. For tanh units with W_h of variance s^2 / N

    chi = s^2 E[tanh'(e)^2],

and for the minimalRNN, h' = f h + (1 - f) n, with e the input of its gate f

    chi = E[f^2] + s^2 E[((h - n) f (1 - f))^2].

The gate's bias brings chi near 1 for many scales of the weights; tanh units need exactly the scale s = 1.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import elman, minimal_rnn
from jaxrnn.initializers import gaussian
from jaxrnn.papers import _curves as curves
from jaxrnn.papers._claims import Claim, Reproduction, at_most
from jaxrnn.papers._mean_field import RELAXATIONS, STEPS, minimal_theory, tanh_theory
from jaxrnn.papers._seeds import over_values_and_seeds
from jaxrnn.types import Positive, Size

SCALES, BIASES = (0.5, 1.0, 1.5, 2.0), (0.0, 2.0, 4.0)


def reproduce(quick: bool = False, units: Size = 500, seeds: Size = 5, noise: Positive = 1.0) -> Reproduction:
    """Compares theory and networks: ln chi of both kinds over scales and biases.

    Args:
      quick: one network of 150 units, only the smallest and the largest scale.
      units: N.
      seeds: number of networks.
      noise: standard deviation of W_x x, which is white noise.
    """
    scales = SCALES[:: len(SCALES) - 1] if quick else SCALES
    units, seeds = (150, 1) if quick else (units, seeds)
    names = {"tanh": "tanh"} | {bias: f"minimalRNN, b = {bias:g}" for bias in BIASES}
    theory: dict[tuple[Any, float], float] = {("tanh", s): tanh_theory(s, noise) for s in scales}
    theory |= {(bias, s): minimal_theory(s, bias, noise) for bias in BIASES for s in scales}
    ours = {}
    for kind in ("tanh", *BIASES):
        measured = _measure(kind, scales, units, seeds, noise)
        ours |= {(kind, s): of_scale for s, of_scale in zip(scales, measured, strict=True)}
    claims = [
        Claim(f"{names[kind]}, s = {s:g}: ln chi, nats per step", theory[kind, s], ours[kind, s], tolerance=0.05)
        for kind, s in theory
        if s in (0.5, 2.0) and kind in ("tanh", BIASES[0], BIASES[-1])
    ]
    spread = {kind: np.ptp([theory[kind, s] for s in scales]) for kind in ("tanh", BIASES[-1])}
    claims.append(
        at_most(
            "range of ln chi over s = 0.5 to 2: minimalRNN (b = 4) / tanh",
            0.2,
            np.ptp([np.median(ours[BIASES[-1], s]) for s in scales]) / spread["tanh"],
        )
    )

    def draw():
        return {"chen_2018": curves.theory_figure(scales, theory, ours, names, "ln chi (nats per step)")}

    settings = {"N": units, "seeds": seeds, "s": list(scales), "b": list(BIASES), "noise": noise}
    differs = [
        "Lines show the theory, points the networks; weights are redrawn at every step, as the theory assumes.",
        "The networks are not trained here; `paper=chen_2018_training` measures learning over scales and lengths.",
    ]
    title = "Chen, Pennington & Schoenholz 2018, mean field of gated networks"
    return Reproduction(title, claims, settings, differs, draw)


def _measure(kind, scales, units, seeds, noise):
    """Measures networks in a stationary state, W_h redrawn at every step: [scales, seeds].

    The value is the logarithm of the mean of |J^T v|^2 for random v of norm one. `kind` is "tanh", or the bias of a
    minimalRNN.
    """
    bias = 0.0 if kind == "tanh" else kind
    steps = STEPS + RELAXATIONS * int(np.exp(bias))

    def of_network(s, key):
        if kind == "tanh":
            cell = elman.cell(units, "tanh", gaussian(1.0), gaussian(s))
        else:
            cell = minimal_rnn.cell(units, bias, gaussian(1.0), gaussian(s))
        carry = cell.initial(cell.init(key, 1), ())

        def step(carry, key):
            key_w, key_x, key_v = jax.random.split(key, 3)
            params = cell.init(key_w, units)
            u = cell.project(params, noise * jax.random.normal(key_x, (units,)))
            after, pull = jax.vjp(lambda carry: cell.step(params, carry, u)[0], carry)
            v = jax.random.normal(key_v, (units,))
            (pulled,) = pull(type(carry)(v))
            return after, jnp.sum(pulled.h**2) / jnp.sum(v**2)

        _, growth = jax.lax.scan(step, carry, jax.random.split(key, steps))
        return jnp.log(jnp.mean(growth[steps // 2 :]))

    return over_values_and_seeds(of_network, scales, seeds)
