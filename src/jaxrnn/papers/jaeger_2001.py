"""Jaeger 2001, "Short term memory in echo state networks", propositions 2 and 3.

The memory capacity sums over all k how well a readout reproduces the input of k steps ago. It is at most the number of
units N, for any units. Linear units in general position reach N; tanh units stay below it.
"""

import jax
import numpy as np

from jaxrnn.cells import elman
from jaxrnn.dynamics.dimension import memory_capacity
from jaxrnn.initializers import gaussian, spectral
from jaxrnn.nets import recurrent
from jaxrnn.papers._claims import Claim, Reproduction, at_most
from jaxrnn.plotting import style
from jaxrnn.types import Positive, Size

ACTIVATIONS = ("linear", "tanh")


def reproduce(
    quick: bool = False, size: Size = 16, rho: Positive = 0.9, seeds: Size = 5, steps: Size = 20_000
) -> Reproduction:
    """Measures memory capacities of random networks driven by white noise.

    Args:
      quick: 8 units, half of the steps.
      size: N.
      rho: spectral radius of W_h.
      seeds: networks per kind.
      steps: steps of the input.
    """
    size, steps = (8, steps // 2) if quick else (size, steps)
    lags = 6 * size
    curves_by_kind = {
        kind: np.array([_capacities(kind, size, rho, steps, lags, seed) for seed in range(seeds)])
        for kind in ACTIVATIONS
    }
    total = {kind: curves.sum(axis=1) for kind, curves in curves_by_kind.items()}
    claims = [
        Claim("linear units: capacity / N", 1.0, total["linear"] / size, tolerance=0.05, source="unchecked"),
        at_most("tanh units: capacity / N", 1.0, total["tanh"] / size, source="unchecked"),
        at_most("tanh units: capacity / capacity of linear units", 0.95, total["tanh"] / total["linear"]),
    ]

    def draw():
        figure, panel = style.axes("lag k (steps)", "squared correlation with x(t - k)")
        for number, (kind, curves) in enumerate(curves_by_kind.items()):
            panel.plot(np.median(curves, axis=0), label=f"{kind} units", **style.series(number) | {"markevery": 6})
        panel.axvline(size, **style.FAINT)
        return {"jaeger_2001": style.legend_below(figure)}

    settings = {"N": size, "rho": rho, "steps": steps, "lags": lags, "seeds": seeds, "input": "U[-1, 1]"}
    return Reproduction("Jaeger 2001, short term memory", claims, settings, [], draw)


def _capacities(kind, size, rho, steps, lags, seed):
    net = recurrent(elman.cell(size, kind, gaussian(1.0), spectral(rho)))
    with jax.enable_x64(True):  # float64, because the readout separates small traces of the input from large ones
        key = jax.random.key(seed)
        params = net.init(key, 1)
        xs = jax.random.uniform(jax.random.fold_in(key, 1), (steps, 1, 1), minval=-1.0)
        states = np.asarray(jax.jit(lambda xs: net.apply(params, net.initial(params, (1,)), xs)[1])(xs))[:, 0]
    return memory_capacity(np.asarray(xs)[:, 0, 0], states, lags)
