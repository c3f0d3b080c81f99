"""Sompolinsky, Crisanti & Sommers 1988, "Chaos in random neural networks", in discrete time.

h_t = tanh(h_{t-1} W_h), where the entries of W_h are normal with variance g^2 / N. As N goes to infinity, the origin is
stable for g < 1, with a largest Lyapunov exponent of ln g. For g > 1 there is chaos, with the exponent of mean-field
theory.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import elman
from jaxrnn.dynamics.exponents import lyapunov, mean_field_exponent
from jaxrnn.dynamics.maps import as_map
from jaxrnn.initializers import gaussian
from jaxrnn.nets import recurrent
from jaxrnn.papers._claims import Claim, Reproduction
from jaxrnn.papers._seeds import over_values_and_seeds
from jaxrnn.plotting import style
from jaxrnn.types import Size

GAINS = (0.5, 0.8, 1.5, 2.0, 3.0)


def reproduce(quick: bool = False, size: Size = 400, seeds: Size = 5, steps: Size = 1000) -> Reproduction:
    """Measures the largest exponent of random tanh networks against their gain.

    A finite network differs from an infinite one by about N^(-1/2). This sets the tolerance, 1.5 / sqrt(N).

    Args:
      quick: 100 units, two networks.
      size: N.
      seeds: networks per gain.
      steps: steps of the trajectory, after a warm-up of a fifth as many.
    """
    size, seeds = (100, 2) if quick else (size, seeds)
    net = recurrent(elman.cell(size, recurrent_init=gaussian(1.0)))

    def exponent(gain, key):
        params = net.init(key, 1)
        f, _ = as_map(net, params._replace(w_h=gain * params.w_h))
        first = 0.5 * jax.random.normal(jax.random.fold_in(key, 1), (size,))
        return lyapunov(f, first, jnp.zeros((steps + steps // 5, 1)), k=1, warm_up=steps // 5, key=key).lam[0]

    ours = over_values_and_seeds(exponent, GAINS, seeds)
    theory = [float(mean_field_exponent(gain)) for gain in GAINS]
    tolerance = 1.5 / np.sqrt(size)
    claims = [
        Claim(f"largest exponent at g = {gain:g}, nats per step", value, exponents, tolerance=tolerance)
        for gain, value, exponents in zip(GAINS, theory, ours, strict=True)
    ]

    def draw():
        figure, panel = style.axes("gain g", "largest exponent, nats per step")
        dense = np.linspace(0.4, 3.2, 60)
        panel.plot(dense, [float(mean_field_exponent(gain)) for gain in dense], **style.THEORY, label="mean field")
        panel.plot(GAINS, ours, "o", color=style.BLUE, markersize=3, label=["measured"] + [None] * (seeds - 1))
        panel.axhline(0.0, **style.FAINT)
        return {"sompolinsky_1988": style.legend_below(figure)}

    settings = {"N": size, "steps": steps, "seeds": seeds, "gains": list(GAINS)}
    differs = ["The paper's networks run in continuous time; the discrete map has a mean-field exponent of its own."]
    return Reproduction(
        "Sompolinsky, Crisanti & Sommers 1988, chaos in random networks", claims, settings, differs, draw
    )
