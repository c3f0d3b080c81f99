"""Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences", sections 3.2 to 3.4.

- The linear recurrent unit starts with eigenvalues that are uniform in area between two circles. Their mean modulus is
  2 (R^3 - r^3) / (3 (R^2 - r^2)).
- Its input is scaled by sqrt(1 - |lambda|^2), which gives all states the same variance. Without the scale the variance
  grows as 1 / (1 - |lambda|^2).
- The moduli stay below one in training.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxrnn.cells import lru
from jaxrnn.data import adding
from jaxrnn.papers import _training as training
from jaxrnn.papers._claims import Claim, Reproduction, at_most
from jaxrnn.plotting import style
from jaxrnn.training.update import Trainer
from jaxrnn.types import Size

RINGS = ((0.0, 1.0), (0.5, 0.9), (0.9, 0.99))


def reproduce(
    quick: bool = False, units: Size = 4000, steps: Size = 600, length: Size = 100, size: Size = 32
) -> Reproduction:
    """Measures eigenvalues and variances at initialisation, and the largest modulus after training with large steps.

    Args:
      quick: a quarter of the units and of the updates.
      units: number of units over which means are taken.
      steps: updates of 16 sequences of adding.
      length: T of these.
      size: H of the trained networks.
    """
    units, steps = (units // 4, steps // 4) if quick else (units, steps)
    claims, error = [], 4 / np.sqrt(units)
    variances = {}
    for r_min, r_max in RINGS:
        params = lru.cell(units, r_min, r_max).init(jax.random.key(0), 1)
        modulus = np.exp(-np.exp(np.asarray(params.nu)))
        mean = 2 * (r_max**3 - r_min**3) / (3 * (r_max**2 - r_min**2))
        spread = error * (r_max - r_min)
        claims.append(Claim(f"r = {r_min:g}, R = {r_max:g}: mean modulus", mean, modulus.mean(), tolerance=spread))
        variances[r_min, r_max] = modulus, _variance(units, params, r_min, r_max)
    scaled = np.concatenate([scaled for _, scaled in variances.values()])
    claims.append(Claim("variance of a state driven by scaled white noise", 1.0, scaled.mean(), tolerance=0.05))
    modulus, variance = variances[RINGS[-1]]
    plain = variance / (1 - modulus**2)
    claims.append(
        Claim(
            "0.9 to 0.99: the same without the scale / closed form",
            1.0,
            plain.mean() / np.mean(1 / (1 - modulus**2)),
            tolerance=0.05,
        )
    )
    trained = _largest_modulus(size, length, steps)
    claims.append(at_most("largest modulus after training at a learning rate of 0.1", 1.0, trained, source="derived"))

    def draw():
        figure, panel = style.axes("modulus of lambda", "variance of the state")
        dense = np.linspace(0.0, 0.99, 200)
        panel.semilogy(dense, 1 / (1 - dense**2), color=style.RED, label="without the scale, closed form")
        for (modulus, variance), marker in zip(variances.values(), "o^s", strict=True):
            subset = slice(None, None, max(1, units // 40))
            line = {"color": style.BLUE, "label": "with it, measured", "markersize": 2}
            panel.semilogy(modulus[subset], variance[subset], marker, **line)
        return {"orvieto_2023": style.legend_below(figure)}

    settings = {"units": units, "rings": [list(ring) for ring in RINGS], "H": size, "T": length, "updates": steps}
    differs = ["Only properties of the unit at initialisation and in training; Long Range Arena is not run."]
    return Reproduction("Orvieto et al. 2023, the linear recurrent unit", claims, settings, differs, draw)


def _variance(units, params, r_min, r_max, steps=4000):
    """Returns the mean squared modulus of the states over time, relative to the input's, after a transient: [units]."""
    cell = lru.cell(units, r_min, r_max)

    def step(state, key):
        carry, total, number = state
        u = jax.random.normal(key, (2 * units,)) / jnp.sqrt(2.0)  # variance one, real and imaginary parts together
        carry, _ = cell.step(params._replace(w_y=jnp.zeros((2 * units, 1))), carry, u)
        total += (number >= steps // 4) * (carry.re**2 + carry.im**2)
        return (carry, total, number + 1), None

    start = cell.initial(params, ()), jnp.zeros(units), 0
    (_, total, _), _ = jax.jit(lambda keys: jax.lax.scan(step, start, keys))(jax.random.split(jax.random.key(1), steps))
    return np.asarray(total) / (steps - steps // 4)


def _largest_modulus(size, length, steps, seeds=3):
    trainer = Trainer(steps, 16, steps)
    task = training.task(
        lru.cell(size, 0.9, 0.999),
        adding.dataset(length, "le2015"),
        trainer,
        learning_rate=0.1,
        rule=optax.scale_by_adam(),
    )
    run = training.train_networks(task, seeds)
    return np.array([np.exp(-np.exp(np.asarray(run.params(row)[0].nu))).max() for row in range(seeds)])
