"""Saxe, McClelland & Ganguli 2014, "Exact solutions to the nonlinear dynamics of learning in deep linear networks".

Products of orthogonal matrices keep the norm of every gradient, at any depth. Products of Gaussian matrices do not: the
singular values of a matrix to the power T spread over more and more orders of magnitude (section 3).
"""

import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import elman
from jaxrnn.dynamics.maps import as_map, jacobians
from jaxrnn.dynamics.products import log_singular_values
from jaxrnn.initializers import gaussian, orthogonal
from jaxrnn.nets import recurrent
from jaxrnn.papers._claims import Claim, Reproduction, at_least
from jaxrnn.papers._seeds import over_seeds
from jaxrnn.plotting import style
from jaxrnn.types import Size


def reproduce(quick: bool = False, size: Size = 32, seeds: Size = 5, steps: Size = 200) -> Reproduction:
    """Computes singular values of dh_T / dh_0 for linear networks with orthogonal weights, or Gaussian weights of gain
    one.

    Args:
      quick: two networks, a quarter of the steps.
      size: H.
      seeds: networks per kind.
      steps: T.
    """
    seeds, steps = (2, steps // 4) if quick else (seeds, steps)
    ours = {
        name: _logs(init, size, seeds, steps) for name, init in (("orthogonal", orthogonal()), ("Gaussian", gaussian()))
    }
    spread = {name: logs[..., 0] - logs[..., -1] for name, logs in ours.items()}
    isometry = np.abs(ours["orthogonal"][:, -1]).max(axis=-1)
    growth = spread["Gaussian"][:, -1] / spread["Gaussian"][:, steps // 10 - 1]
    claims = [
        Claim(f"orthogonal weights, {steps} steps: ln s farthest from 0", 0.0, isometry, tolerance=1e-3),
        at_least("Gaussian weights: ln s_max - ln s_min, all steps / a tenth of the steps", 5.0, growth),
    ]

    def draw():
        figure, panels = style.panels(2, "steps", "ln singular value of dh_T / dh_0", sharey=True)
        for panel, (name, logs) in zip(panels, ours.items(), strict=True):
            panel.plot(np.arange(1, steps + 1), logs[0], color=style.BLUE, linewidth=0.6)
            style.title(panel, name)
        return {"saxe_2014": figure}

    settings = {"H": size, "steps": steps, "seeds": seeds}
    return Reproduction("Saxe, McClelland & Ganguli 2014, orthogonal initial weights", claims, settings, [], draw)


def _logs(init, size, seeds, steps):
    net = recurrent(elman.cell(size, "linear", recurrent_init=init))

    def of_network(key):
        f, z_0 = as_map(net, net.init(key, 1))
        return log_singular_values(jacobians(f, z_0, jnp.zeros((steps, 1))))

    return over_seeds(of_network, seeds)
