"""Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", sections 2.1 and 2.2.

With gamma the largest slope of phi (1 for tanh), |dh_T / dh_t| <= (gamma sigma_max(W_h))^(T - t). So a
sigma_max below 1 / gamma is sufficient for vanishing gradients, and one above is necessary for exploding gradients.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import elman
from jaxrnn.dynamics.maps import as_map, jacobians
from jaxrnn.nets import recurrent
from jaxrnn.papers._claims import Reproduction, at_most
from jaxrnn.papers._seeds import over_values_and_seeds
from jaxrnn.plotting import style
from jaxrnn.types import Size

SIGMAS = (0.8, 0.95, 1.0, 1.05, 1.25)


def reproduce(quick: bool = False, size: Size = 50, seeds: Size = 20, steps: Size = 100) -> Reproduction:
    """Compares the norm of dh_T / dh_0 with the bound, for tanh networks with orthogonal weights times sigma.

    The networks are driven by noise.

    Args:
      quick: a quarter of the seeds.
      size: H.
      seeds: networks per sigma.
      steps: T.
    """
    seeds = max(2, seeds // 4) if quick else seeds
    ours = _logs(size, seeds, steps)  # [sigmas, seeds, steps]
    lags = np.arange(1, steps + 1)
    excesses = [np.max(logs - lags * np.log(sigma), axis=1) for sigma, logs in zip(SIGMAS, ours, strict=True)]
    claims = [
        at_most(
            f"sigma = {sigma:g}: largest excess of ln of the norm of dh_T / dh_t over the bound",
            1e-3,
            excess.max(),
            source="derived",
        )
        for sigma, excess in zip(SIGMAS, excesses, strict=True)
    ]
    claims += [
        at_most(
            f"sigma = {sigma:g}: ln of the norm after {steps} steps",
            steps * np.log(sigma),
            logs[:, -1],
            source="derived",
        )
        for sigma, logs in zip(SIGMAS, ours, strict=True)
        if sigma < 1
    ]

    def draw():
        figure, panel = style.axes("steps back", "ln |dh_T / dh_t|")
        for colour, sigma, logs in zip(style.COLOURS, SIGMAS, ours, strict=False):
            panel.plot(lags, np.median(logs, axis=0), color=colour, label=f"sigma = {sigma:g}")
            bound = "the bound" if sigma == SIGMAS[0] else None
            panel.plot(lags, lags * np.log(sigma), color=colour, linestyle=":", label=bound)
        return {"pascanu_2013": style.legend_below(figure)}

    settings = {"H": size, "steps": steps, "seeds": seeds, "sigma": list(SIGMAS)}
    differs = [
        "Only the bound; `paper=pascanu_2013_training` trains with clipping and the regulariser on temporal order."
    ]
    return Reproduction(
        "Pascanu, Mikolov & Bengio 2013, vanishing and exploding gradients", claims, settings, differs, draw
    )


def _logs(size, seeds, steps):
    """Returns ln of the norms of dh_t / dh_0: [sigmas, seeds, steps]."""
    net = recurrent(elman.cell(size))

    def logs(sigma, key):
        params = net.init(key, 1)
        f, z_0 = as_map(net, params._replace(w_h=sigma * params.w_h))
        js = jacobians(f, z_0, 0.1 * jax.random.normal(jax.random.fold_in(key, 1), (steps, 1)))

        def further(product, j):
            product = j @ product
            return product, jnp.log(jnp.linalg.norm(product, 2))

        return jax.lax.scan(further, jnp.eye(size), js)[1]

    return over_values_and_seeds(logs, SIGMAS, seeds)
