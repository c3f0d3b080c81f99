"""Engelken, Wolf & Abbott 2023, "Lyapunov spectra of chaotic recurrent neural networks".

Chaos is extensive: in random networks the dimension of the attractor and the entropy rate grow in proportion to the
number of units N, because the spectrum keeps its shape. The dimension stays well below N.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from jaxrnn.cells import elman
from jaxrnn.dynamics.exponents import entropy, kaplan_yorke, lyapunov
from jaxrnn.dynamics.maps import as_map
from jaxrnn.initializers import gaussian
from jaxrnn.nets import recurrent
from jaxrnn.papers._claims import Claim, Reproduction, at_most
from jaxrnn.papers._seeds import over_seeds
from jaxrnn.plotting import style
from jaxrnn.types import ListOf, Positive, Size


def reproduce(
    quick: bool = False, sizes: ListOf[Size] = (60, 120, 240), gain: Positive = 3.0, seeds: Size = 3, steps: Size = 600
) -> Reproduction:
    """Computes whole spectra of random tanh networks of several sizes.

    Args:
      quick: the two smaller sizes, half of the steps.
      sizes: values of N, each twice the one before.
      gain: g; the entries of W_h have variance g^2 / N.
      seeds: networks per size.
      steps: steps of the trajectory, after a warm-up of a fifth as many.
    """
    sizes, steps = (sizes[:2], steps // 2) if quick else (sizes, steps)
    spectra = {size: _spectra(size, gain, seeds, steps) for size in sizes}
    measured = {
        "attractor's dimension": {n: np.array([kaplan_yorke(jnp.asarray(lam)) for lam in spectra[n]]) for n in sizes},
        "entropy rate": {n: np.array([entropy(jnp.asarray(lam)) for lam in spectra[n]]) for n in sizes},
    }
    claims = [
        Claim(
            f"{quantity}, N = {large} / N = {small}",
            2.0,
            values_by_size[large] / np.median(values_by_size[small]),
            tolerance=0.3,
            source="unchecked",
        )
        for quantity, values_by_size in measured.items()
        for small, large in pairwise(sizes)
    ]
    share = np.concatenate([measured["attractor's dimension"][size] / size for size in sizes])
    claims.append(at_most("attractor's dimension / N", 0.5, share))

    def draw():
        figure, panel = style.axes("number of the exponent over N", "exponent, nats per step")
        for colour, dashes, size in zip(style.COLOURS, ("-", "--", ":"), sizes, strict=False):
            lam = np.median(spectra[size], axis=0)
            panel.plot((np.arange(size) + 0.5) / size, lam, color=colour, linestyle=dashes, label=f"N = {size}")
        panel.axhline(0.0, **style.FAINT)
        return {"engelken_2023": style.legend_below(figure)}

    settings = {"g": gain, "N": list(sizes), "steps": steps, "seeds": seeds}
    differs = [
        "The networks run in discrete time without a leak and are smaller than in the paper.",
        "The exponents of such small networks still rise with N, so the ratios are above 2, most of all for the "
        "entropy rate.",
    ]
    title = "Engelken, Wolf & Abbott 2023, Lyapunov spectra of chaotic networks"
    return Reproduction(title, claims, settings, differs, draw)


def _spectra(size, gain, seeds, steps):
    net = recurrent(elman.cell(size, recurrent_init=gaussian(gain)))

    def of_network(key):
        f, _ = as_map(net, net.init(key, 1))
        first = 0.5 * jax.random.normal(jax.random.fold_in(key, 1), (size,))
        return lyapunov(f, first, jnp.zeros((steps + steps // 5, 1)), warm_up=steps // 5).lam

    return over_seeds(of_network, seeds)
