"""Zucchet & Orvieto 2024, "Recurrent neural networks: vanishing and exploding gradients are not the end of the story".

The curse of memory: for h_t = lambda h_{t-1} + x_t with white noise the sensitivity E (dh/dlambda)^2 is (1 + lambda^2)
/ (1 - lambda^2)^3. It explodes as lambda goes to 1, although no gradient does. Let the input be scaled by sqrt(1 -
lambda^2), a constant in the derivative, and lambda = exp(-exp(nu)). Then the sensitivity to nu tends to 1/2.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.papers._claims import Claim, Reproduction
from jaxrnn.papers._seeds import over_seeds
from jaxrnn.plotting import style
from jaxrnn.types import ListOf, Size


def reproduce(
    quick: bool = False, lambdas: ListOf[float] = (0.9, 0.99, 0.999), seeds: Size = 5, samples: Size = 40_000
) -> Reproduction:
    """Measures the sensitivity of a linear unit to its decay over sequences of white noise, to 1 %.

    Args:
      quick: a tenth of the sequences, a tolerance of 4 %.
      lambdas: decays.
      seeds: number of measurements.
      samples: sequences per measurement.
    """
    samples, tolerance = (samples // 10, 0.04) if quick else (samples, 0.01)
    ours = {lam: _sensitivities(lam, samples, seeds) for lam in lambdas}
    claims = []
    for lam, squares in ours.items():
        plain = (1 + lam**2) / (1 - lam**2) ** 3
        log_lam = np.log(lam)
        scaled = (lam * log_lam) ** 2 * (1 - lam**2) * plain
        claims.append(Claim(f"E (dh/dlambda)^2 at lambda = {lam:g}", plain, squares[:, 0], tolerance=tolerance * plain))
        claims.append(
            Claim(f"scaled sensitivity to nu, at lambda = {lam:g}", scaled, squares[:, 1], tolerance=tolerance * scaled)
        )

    def draw():
        figure, panel = style.axes("1 - lambda", "sensitivity to the decay")
        distances = np.logspace(-3.3, -0.7, 100)
        dense = 1 - distances
        plain = (1 + dense**2) / (1 - dense**2) ** 3
        scaled = (dense * np.log(dense)) ** 2 * (1 - dense**2) * plain
        for line, column, colour, label in (
            (plain, 0, style.RED, "to lambda"),
            (scaled, 1, style.BLUE, "scaled, to nu"),
        ):
            panel.loglog(distances, line, color=colour, label=f"{label}, closed form")
            medians = [np.median(values[:, column]) for values in ours.values()]
            panel.loglog([1 - lam for lam in lambdas], medians, "o", color=colour, label=f"{label}, measured")
        return {"zucchet_2024": style.legend_below(figure)}

    settings = {"lambda": list(lambdas), "samples": samples, "seeds": seeds}
    differs = [
        "Only the claim of section 3, about a single unit; the teacher and student of section 5 are not trained."
    ]
    return Reproduction("Zucchet & Orvieto 2024, the curse of memory", claims, settings, differs, draw)


def _sensitivities(lam, samples, seeds):
    """Returns mean squares of dh/dlambda and of the scaled unit's dh/dnu, by forward differentiation: [seeds, 2]."""
    steps = int(np.ceil(12 / (1 - lam)))  # older inputs weigh less than e^-12

    def unit(decay, scale, xs):
        return jax.lax.scan(lambda h, x: (decay * h + scale * x, None), jnp.zeros(xs.shape[1]), xs)[0]

    def mean_squares(key):
        def block(key):
            xs = jax.random.normal(key, (steps, 1000))
            ones = jnp.ones(())
            plain = jax.jvp(lambda decay: unit(decay, 1.0, xs), (lam * ones,), (ones,))[1]
            nu = jnp.log(-jnp.log(lam * ones))
            scaled = jax.jvp(lambda nu: unit(jnp.exp(-jnp.exp(nu)), jnp.sqrt(1 - lam**2), xs), (nu,), (ones,))[1]
            return jnp.stack([jnp.mean(plain**2), jnp.mean(scaled**2)])

        return jnp.mean(jax.lax.map(block, jax.random.split(key, max(1, samples // 1000))), axis=0)

    return over_seeds(mean_squares, seeds)
